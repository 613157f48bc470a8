//! `make install`, as packagers use it, and then programs built against what was installed, as
//! pkg-config and CMake tell them to.

#![cfg(target_os = "linux")]

mod common;

use common::{fresh, is_present, output};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the library says that it lives; it is copied elsewhere, as packages are built.
const PREFIX: &str = "/opt/bitchat";
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/c/installed.c");

/// A directory of its own for each test, empty.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("install").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("it can be made");
    path
}

fn make(goal: &str, stage: &Path, libdir: &str) -> Command {
    let mut command = Command::new("make");
    command.args(["-s", "-C", env!("CARGO_MANIFEST_DIR"), "PROFILE=dev", goal]);
    command.arg(format!("PREFIX={PREFIX}")).arg(format!("LIBDIR={PREFIX}/{libdir}"));
    command.arg(format!("DESTDIR={}", stage.display()));
    // The library belongs where this test's own libraries are.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("within target");
    command.env("CARGO_TARGET_DIR", target).env("CARGO", env!("CARGO"));
    fresh(&mut command);
    command
}

/// Installs into `stage` and says where the prefix lies within.
fn install(stage: &Path, libdir: &str) -> PathBuf {
    output(&mut make("all", stage, libdir));
    output(&mut make("install", stage, libdir));
    stage.join(PREFIX.trim_start_matches('/'))
}

fn files(below: &Path) -> Vec<String> {
    let list =
        output(Command::new("find").arg(below).args(["-not", "-type", "d", "-printf", "%P\n"]));
    let mut files: Vec<_> = list.lines().map(str::to_owned).collect();
    files.sort();
    files
}

/// What pkg-config answers of the library below `prefix`.
fn pkg_config(prefix: &Path, options: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(options).arg("bitchat");
    output(&mut command).split_whitespace().map(str::to_owned).collect()
}

/// Runs a program that finds the shared library below `prefix`.
fn run(program: &Path, prefix: &Path) -> String {
    let said = output(Command::new(program).env("LD_LIBRARY_PATH", prefix.join("lib")));
    said.trim().to_owned()
}

fn needed(program: &Path) -> String {
    output(Command::new("objdump").arg("-p").arg(program))
}

#[test]
fn exactly_these_files_are_installed_and_uninstalled() {
    let stage = directory("files");
    let prefix = install(&stage, "lib64");
    let abi = needed(&prefix.join("lib64/libbitchat.so"));
    let abi = abi.lines().find_map(|line| line.trim().strip_prefix("SONAME")).expect("it has one");
    let so = fs::canonicalize(prefix.join("lib64").join(abi.trim())).expect("the link leads there");
    assert_eq!(so.file_name(), Some(format!("libbitchat.so.{VERSION}").as_ref()));
    let mut expected = vec![
        "include/bitchat.h".to_owned(),
        "include/bitchat.hpp".to_owned(),
        "lib64/cmake/bitchat/bitchatConfig.cmake".to_owned(),
        "lib64/cmake/bitchat/bitchatConfigVersion.cmake".to_owned(),
        "lib64/libbitchat.a".to_owned(),
        "lib64/libbitchat.so".to_owned(),
        format!("lib64/{}", abi.trim()),
        format!("lib64/libbitchat.so.{VERSION}"),
        "lib64/pkgconfig/bitchat.pc".to_owned(),
    ];
    expected.sort();
    assert_eq!(files(&prefix), expected);
    for text in files(&prefix).iter().filter(|name| name.ends_with(".pc") || name.contains("cmake"))
    {
        let text = fs::read_to_string(prefix.join(text)).expect("it is text");
        assert!(!text.contains('@'), "not filled in: {text}");
        assert!(!text.contains(&*stage.to_string_lossy()), "names the stage: {text}");
    }
    output(&mut make("uninstall", &stage, "lib64"));
    assert_eq!(files(&prefix), Vec::<String>::new());
}

/// A program may bring along another version of what is in the library.
#[test]
fn the_static_library_shows_its_interface_alone() {
    let stage = directory("names");
    let prefix = install(&stage, "lib");
    let archive = prefix.join("lib/libbitchat.a");
    let listed = output(Command::new("nm").args(["-g", "--defined-only"]).arg(&archive));
    let mut names: Vec<_> = listed.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    let so = prefix.join("lib/libbitchat.so");
    let listed = output(Command::new("nm").args(["-D", "--defined-only"]).arg(so));
    let mut offered: Vec<_> = listed.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    names.sort_unstable();
    offered.sort_unstable();
    assert!(names.iter().all(|name| name.starts_with("bitchat_")), "{names:?}");
    assert!(names.contains(&"bitchat_node_new"));
    assert_eq!(names, offered, "the same as the shared library offers");
    let program = stage.join("clash");
    let mut cc = Command::new("gcc");
    cc.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/c/clash.c"));
    cc.arg("-I").arg(prefix.join("include")).arg(archive).args(["-lpthread", "-ldl", "-lm"]);
    output(cc.arg("-o").arg(&program));
    assert_eq!(run(&program, &prefix), VERSION);
}

#[test]
fn a_relative_prefix_is_refused() {
    let mut make = make("install", &directory("relative"), "lib");
    let refused = make.arg("PREFIX=here").output().expect("make runs");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("PREFIX must be an absolute path"),
        "{said}"
    );
}

#[test]
fn pkg_config_tells_how_to_link() {
    if !is_present("pkg-config") {
        println!("FOREIGN TEST SKIPPED: pkg-config (apt-get install pkg-config)");
        return;
    }
    let stage = directory("pkg-config");
    let prefix = install(&stage, "lib");
    assert_eq!(pkg_config(&prefix, &["--modversion"]), [VERSION]);
    assert_eq!(pkg_config(&prefix, &["--variable=libdir"]), [format!("{PREFIX}/lib")]);
    for (name, mode, linking) in [("shared", "--shared", ""), ("static", "--static", "-static")] {
        let program = stage.join(name);
        let options = pkg_config(&prefix, &["--define-prefix", mode, "--cflags", "--libs"]);
        let mut cc = Command::new("gcc");
        cc.arg(SOURCE).args(options).args(Some(linking).filter(|it| !it.is_empty()));
        output(cc.arg("-o").arg(&program));
        assert_eq!(run(&program, &prefix), VERSION, "{name}");
        assert_eq!(needed(&program).contains("libbitchat.so"), name == "shared");
    }
    println!("FOREIGN TEST RAN: the installed library through pkg-config");
}

/// A project that asks for `version` of the library and builds one program with each kind of it.
fn configure(project: &Path, prefix: &Path, version: &str) -> Command {
    let text = format!(
        "cmake_minimum_required(VERSION 3.10)\nproject(guest C)\nset(CMAKE_C_STANDARD 11)\n\
         find_package(bitchat {version} REQUIRED)\n\
         foreach(kind bitchat static)\n  add_executable(with_${{kind}} {SOURCE})\n  \
         target_link_libraries(with_${{kind}} PRIVATE bitchat::${{kind}})\nendforeach()\n"
    );
    fs::create_dir_all(project).expect("it can be made");
    fs::write(project.join("CMakeLists.txt"), text).expect("it can be written");
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(project).arg("-B").arg(project.join("build"));
    cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    cmake
}

#[test]
fn cmake_finds_the_library_of_a_version_that_fits() {
    if !is_present("cmake") {
        println!("FOREIGN TEST SKIPPED: CMake (apt-get install cmake)");
        return;
    }
    let stage = directory("cmake");
    let prefix = install(&stage, "lib");
    let minor = VERSION.rsplit_once('.').expect("three numbers").0;
    for (index, version) in ["", minor, VERSION].into_iter().enumerate() {
        let project = stage.join(format!("guest-{index}"));
        output(&mut configure(&project, &prefix, version));
    }
    for version in ["0.0.1", "999.0"] {
        let refused = configure(&stage.join(version), &prefix, version).output().expect("it runs");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("compatible"), "{version}: {said}");
    }
    let build = stage.join("guest-0/build");
    output(Command::new("cmake").arg("--build").arg(&build));
    for (program, shared) in [("with_bitchat", true), ("with_static", false)] {
        let program = build.join(program);
        assert_eq!(run(&program, &prefix), VERSION);
        assert_eq!(needed(&program).contains("libbitchat.so"), shared);
    }
    println!("FOREIGN TEST RAN: the installed library through CMake");
}
