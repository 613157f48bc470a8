//! Names the shared library after the interface that it offers, so that a program finds one that fits.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    // Before 1.0 every minor version may break programs; afterwards only major ones do.
    let (major, minor) = (variable("CARGO_PKG_VERSION_MAJOR"), variable("CARGO_PKG_VERSION_MINOR"));
    let abi = if major == "0" { format!("0.{minor}") } else { major };
    if matches!(variable("CARGO_CFG_TARGET_OS").as_str(), "linux" | "android" | "freebsd") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libbitchat.so.{abi}");
    }
}
