//! Against programs that others wrote: trackers that we use, and clients that we look like.

mod tracker_host;

use bitchat_core::base::ids::InfoHash;
use bitchat_core::tracker::announce::{Announce, Event};
use bitchat_core::tracker::interface::TrackerStatus;
use bitchat_core::tracker::profile::{ClientId, PROFILES, Profile};
use bitchat_core::tracker::{http, udp};
use bitchat_core::wire::url::TrackerUrl;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tracker_host::{Host, meet};

/// A program that ends with its test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("the program starts"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where a program is; says that the test is skipped if it is nowhere.
fn program(test: &str, name: &str, how: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    match found {
        Some(_) => eprintln!("FOREIGN TEST RAN: {test}"),
        None => eprintln!("FOREIGN TEST SKIPPED: {test} is not installed ({how})"),
    }
    found
}

fn free_port() -> u16 {
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    udp.local_addr().expect("bound").port()
}

fn wait_for_tcp(port: u16) {
    let end = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "the tracker does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A directory that an unprivileged daemon can read too.
fn open_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path(), mode).expect("permissions");
    dir
}

/// Whether the tracker takes announces of `hash`: asked as somebody who leaves, so that nobody is listed.
fn serves(port: u16, hash: InfoHash) -> bool {
    use std::io::{Read as _, Write as _};
    let escaped: String = hash.0.iter().map(|byte| format!("%{byte:02x}")).collect();
    let request = format!(
        "GET /announce?info_hash={escaped}&peer_id=-qB5120-abcdefghijkl&port=9&uploaded=0&downloaded=0\
         &left=1&event=stopped&compact=1 HTTP/1.0\r\n\r\n"
    );
    let mut answer = Vec::new();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.write_all(request.as_bytes()).expect("a request");
    let read = stream.read_to_end(&mut answer);
    read.is_ok() && !String::from_utf8_lossy(&answer).contains("failure reason")
}

#[test]
fn opentracker() {
    let Some(binary) = program("opentracker", "opentracker", "Debian: opentracker") else { return };
    let served = InfoHash([0xc3; 20]);
    let served_udp = InfoHash([0xc4; 20]);
    let (dir, port) = (open_dir(), free_port());
    let list = dir.path().join("whitelist");
    std::fs::write(&list, format!("{served}\n{served_udp}\n")).expect("a file");
    let config = dir.path().join("opentracker.conf");
    let list = list.display();
    let text = format!("listen.tcp_udp 127.0.0.1:{port}\naccess.whitelist {list}\n");
    std::fs::write(&config, text).expect("a file");
    let _running = Running::start(Command::new(binary).arg("-f").arg(&config));
    wait_for_tcp(port);
    // It listens before it has read its whitelist, and a refusal is not tried again for long.
    for hash in [served, served_udp] {
        let asked = Instant::now();
        while !serves(port, hash) {
            assert!(asked.elapsed() < Duration::from_secs(10), "opentracker does not serve {hash}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    std::thread::scope(|scope| {
        // Over HTTP it names a minimum of about fifteen minutes, over UDP it cannot.
        let minimum = Some(Duration::from_secs(600));
        let http = format!("http://127.0.0.1:{port}/announce");
        let udp = format!("udp://127.0.0.1:{port}/announce");
        scope.spawn(move || meet(&http, served, minimum));
        scope.spawn(move || meet(&udp, served_udp, None));
    });
    for scheme in ["http", "udp"] {
        let url = format!("{scheme}://127.0.0.1:{port}/announce");
        let mut host = Host::new(&[url], InfoHash([0xc5; 20]), 41_004, 4);
        let failed = |host: &Host| matches!(host.status(), Some(TrackerStatus::Failed { .. }));
        let refused = host.run_until(Duration::from_secs(10), failed);
        assert!(refused, "{scheme}: a hash that is not served: {:?}", host.status());
        eprintln!("opentracker over {scheme}: {:?}", host.status());
    }
}

/// One aquatic of each kind and family: each binds to one address.
fn aquatic(name: &'static str, scheme: &str) {
    let how = format!("cargo install --locked --no-default-features {name}");
    let Some(binary) = program(name, name, &how) else { return };
    let dir = open_dir();
    for (at, address) in ["127.0.0.1", "[::1]"].into_iter().enumerate() {
        let port = free_port();
        let config = dir.path().join(format!("aquatic{at}.toml"));
        let text = format!("[network]\naddress = \"{address}:{port}\"\nonly_ipv6 = {}\n", at == 1);
        std::fs::write(&config, text).expect("a file");
        let _running = Running::start(Command::new(&binary).arg("-c").arg(&config));
        std::thread::sleep(Duration::from_secs(2));
        let infohash = InfoHash([0xd1; 20]);
        meet(&format!("{scheme}://{address}:{port}/announce"), infohash, None);
    }
}

#[test]
fn aquatic_udp() {
    aquatic("aquatic_udp", "udp");
}

#[test]
fn aquatic_http() {
    aquatic("aquatic_http", "http");
}

/// A torrent of one file that nobody has.
fn write_torrent(path: &Path, tracker: &str) {
    let mut torrent = format!("d8:announce{}:{tracker}", tracker.len()).into_bytes();
    torrent.extend(b"4:infod6:lengthi20000e4:name1:x12:piece lengthi16384e6:pieces40:");
    torrent.extend([0xa5; 40]);
    torrent.extend(b"ee");
    std::fs::write(path, torrent).expect("a file");
}

/// Takes one HTTP request and answers it.
fn capture_http(listener: &TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    while !request.ends_with(b"\r\n\r\n") {
        let len = stream.read(&mut buffer).expect("a request");
        assert!(len > 0, "the client closed the stream");
        request.extend(&buffer[..len]);
    }
    let body = "d8:intervali1800e5:peers0:e";
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).expect("an answer");
    request
}

/// Answers a connect request and takes the announce that follows.
fn capture_udp(socket: &UdpSocket) -> (Vec<u8>, Vec<u8>) {
    let mut buffer = [0; 4_096];
    loop {
        let (len, from) = socket.recv_from(&mut buffer).expect("a connect request");
        let connect = buffer[..len].to_vec();
        let reply = [&[0; 4], &connect[12..16], &[9; 8]].concat();
        socket.send_to(&reply, from).expect("an answer");
        let (len, _) = socket.recv_from(&mut buffer).expect("an announce");
        if len > 16 {
            return (connect, buffer[..len].to_vec());
        }
    }
}

/// The value of a parameter, with its escapes undone.
fn value(request: &str, key: &str) -> Vec<u8> {
    let start = request.find(&format!("{key}=")).expect("the parameter is there") + key.len() + 1;
    let text = request[start..].split(['&', ' ']).next().expect("a value").as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'%' {
            let digits = std::str::from_utf8(&text[at + 1..at + 3]).expect("hex");
            out.push(u8::from_str_radix(digits, 16).expect("hex"));
            at += 3;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

fn number(request: &str, key: &str) -> u64 {
    String::from_utf8(value(request, key)).expect("digits").parse().expect("a number")
}

/// With its values put in, our request must be theirs, byte for byte.
fn compare_http(theirs: &[u8], tracker: &str) -> (ClientId, String) {
    let theirs = std::str::from_utf8(theirs).expect("text");
    let agent = theirs.split("User-Agent: ").nth(1).expect("a user agent");
    let agent = agent.split('\r').next().expect("a line").to_owned();
    let peer_id: [u8; 20] = value(theirs, "peer_id").try_into().expect("20 bytes");
    let key = String::from_utf8(value(theirs, "key")).expect("text");
    let client = ClientId { peer_id, key: u32::from_str_radix(&key, 16).expect("hex") };
    let profile = Profile {
        name: "captured",
        user_agent: agent.clone().leak(),
        peer_id_prefix: *peer_id.first_chunk().expect("a prefix"),
        ..PROFILES[1]
    };
    let announce = Announce {
        infohash: InfoHash(value(theirs, "info_hash").try_into().expect("20 bytes")),
        client: &client,
        port: u16::try_from(number(theirs, "port")).expect("a port"),
        left: number(theirs, "left"),
        event: Event::Started,
        tracker_id: b"",
    };
    let url = TrackerUrl::parse(tracker).expect("a URL");
    let ours = http::announce_request(&url, &profile, &announce);
    assert_eq!(String::from_utf8(ours).expect("text"), theirs);
    (client, agent)
}

fn compare_udp(connect: &[u8], theirs: &[u8]) {
    let be = |range: std::ops::Range<usize>| {
        theirs[range].iter().fold(0_u64, |value, &byte| value << 8 | u64::from(byte))
    };
    let be32 = |at: usize| u32::try_from(be(at..at + 4)).expect("32 bits");
    let peer_id = theirs[36..56].try_into().expect("20 bytes");
    let client = ClientId { peer_id, key: be32(88) };
    let announce = Announce {
        infohash: InfoHash(theirs[16..36].try_into().expect("20 bytes")),
        client: &client,
        port: u16::try_from(be(96..98)).expect("a port"),
        left: be(64..72),
        event: Event::Started,
        tracker_id: b"",
    };
    let ours = udp::announce_request(be(0..8), be32(12), &PROFILES[1], &announce, "/announce");
    assert_eq!(ours, theirs);
    let transaction = u32::from_be_bytes(connect[12..16].try_into().expect("4 bytes"));
    assert_eq!(udp::connect_request(transaction), connect);
}

fn run_qbittorrent(binary: &Path, dir: &Path, tracker: &str) -> Running {
    let torrent = dir.join("x.torrent");
    write_torrent(&torrent, tracker);
    let mut command = Command::new(binary);
    command.arg(format!("--profile={}", dir.display()));
    command.arg(format!("--webui-port={}", free_port()));
    command.arg(format!("--save-path={}", dir.display())).arg(&torrent);
    let mut running = Running::start(&mut command);
    // It asks whether one agrees to its legal notice.
    if let Some(stdin) = &mut running.0.stdin {
        let _ = stdin.write_all(b"y\n");
    }
    running
}

#[test]
fn qbittorrent_announces_as_we_do() {
    let how = "Debian: qbittorrent-nox";
    let Some(binary) = program("qbittorrent-nox", "qbittorrent-nox", how) else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let tracker = format!("http://{}/announce", listener.local_addr().expect("bound"));
    let running = run_qbittorrent(&binary, dir.path(), &tracker);
    let (client, agent) = compare_http(&capture_http(&listener), &tracker);
    if let Some(profile) = PROFILES.iter().find(|profile| profile.user_agent == agent) {
        assert!(client.peer_id.starts_with(&profile.peer_id_prefix), "{}", profile.name);
    }
    drop(running);

    let dir = tempfile::tempdir().expect("a directory");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let tracker = format!("udp://{}/announce", socket.local_addr().expect("bound"));
    let _running = run_qbittorrent(&binary, dir.path(), &tracker);
    let (connect, announce) = capture_udp(&socket);
    compare_udp(&connect, &announce);
}

#[test]
fn libtorrent_announces_as_we_do() {
    let test = "libtorrent (Python)";
    let python = Path::new("python3");
    let has = Command::new(python).args(["-c", "import libtorrent"]).stderr(Stdio::null()).status();
    if !has.is_ok_and(|status| status.success()) {
        eprintln!("FOREIGN TEST SKIPPED: {test} is not installed (PyPI: libtorrent)");
        return;
    }
    eprintln!("FOREIGN TEST RAN: {test}");
    let dir = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let tracker = format!("http://{}/announce", listener.local_addr().expect("bound"));
    let torrent = dir.path().join("x.torrent");
    write_torrent(&torrent, &tracker);
    let script = "import libtorrent as lt, sys, time\n\
        s = lt.session({'listen_interfaces': '127.0.0.1:0', 'enable_dht': False,\n\
        'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False})\n\
        s.add_torrent({'ti': lt.torrent_info(sys.argv[1]), 'save_path': sys.argv[2]})\n\
        time.sleep(60)\n";
    let mut command = Command::new(python);
    command.args(["-c", script]).arg(&torrent).arg(dir.path());
    let _running = Running::start(&mut command);
    compare_http(&capture_http(&listener), &tracker);
}
