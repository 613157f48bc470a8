#!/usr/bin/env bash
# CONNECT and a server that speaks first: who keeps the bytes that arrive with the 200?
#
# Tried: CPython's http.client (its set_tunnel), PyPI python-socks 3.2.1, npm https-proxy-agent 9.1.0, tunnel 0.0.6 and
# tunnel-agent 0.6.0, and Node's own http module, each through PyPI pproxy 2.7.9, to a server that greets before it is
# asked anything (as SMTP, SSH and IRC servers do). Between client and proxy lies a line that hands over what came within
# 200 ms at once, as a radio link or a busy machine does.
#
# Expected: RFC 9110, 9.3.6: after the blank line of a 2xx the connection is a tunnel, so all that follows is the server's.
# A client that hands out "the socket" hands out all of it.
#
# Seen: four ways. Node's http gives the bytes apart, as `head`. http.client, python-socks and https-proxy-agent drop them
# without a word: the application waits for a greeting that it has already been sent. tunnel and tunnel-agent end a sound
# connection. On a fast loopback the 200 and the greeting come in two reads, and all of them work, which is why their own
# tests pass; nothing of it shows with TLS inside, where the client speaks first.
#
# So: a client of proxies must go on reading where the answer's blank line ends, and a protocol that is to cross strangers'
# clients should let the dialling side speak first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q pproxy==2.7.9 python-socks==3.2.1
npm init -y >/dev/null
npm install --silent tunnel@0.0.6 tunnel-agent@0.6.0 https-proxy-agent@9.1.0

cat >client.mjs <<'JS'
import http from 'node:http'
import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const [which, proxy, server] = [process.argv[2], +process.argv[3], +process.argv[4]]
const say = (head, socket) => {
  let seen = head
  socket.on('data', data => { seen += data })
  socket.write('question\n')
  setTimeout(() => { console.log(JSON.stringify(seen)); process.exit(0) }, 1500)
}
process.on('uncaughtException', () => { console.log('connection ended'); process.exit(0) })
const target = { host: '127.0.0.1', port: server, request: new EventEmitter() }
const over = { proxy: { host: '127.0.0.1', port: proxy } }
if (which === 'node') {
  const request = http.request({ port: proxy, host: '127.0.0.1', method: 'CONNECT', path: `127.0.0.1:${server}` })
  request.on('connect', (_, socket, head) => say(head.toString(), socket))
  request.end()
} else if (which === 'https-proxy-agent') {
  const { HttpsProxyAgent } = await import(which)
  const request = new EventEmitter()
  const agent = new HttpsProxyAgent(`http://127.0.0.1:${proxy}`)
  const socket = await agent.connect(request, { host: '127.0.0.1', port: server, secureEndpoint: false })
  request.emit('socket', socket)
  say('', socket)
} else {
  require(which).httpOverHttp(over).createSocket(target, socket => say('', socket))
}
JS

cat >run.py <<'PY'
import http.client, json, socket, subprocess, sys, threading, time

def serve(handle):
    listener = socket.create_server(("127.0.0.1", 0))
    def run():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=handle, args=(client,), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]

def greeter(client):
    client.sendall(b"greeting\n")
    while client.recv(1000):
        client.sendall(b"answer\n")

def line_to(port):
    def carry(client):
        server = socket.create_connection(("127.0.0.1", port))
        def up():
            while data := client.recv(65536):
                server.sendall(data)
        threading.Thread(target=up, daemon=True).start()
        while server.recv(1, socket.MSG_PEEK):
            time.sleep(0.2)
            client.sendall(server.recv(65536))
        client.close()
    return carry

def talk(sock):
    sock.settimeout(1.5)
    seen = b""
    sock.sendall(b"question\n")
    try:
        while data := sock.recv(1000):
            seen += data
    except TimeoutError:
        pass
    return seen.decode()

threading.excepthook = lambda _: None  # connections that their client ends
server = serve(greeter)
with socket.create_server(("127.0.0.1", 0)) as free:
    behind = free.getsockname()[1]
proxy = subprocess.Popen([sys.argv[1], "-l", f"http://127.0.0.1:{behind}"], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
try:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", behind)).close()
            break
        except OSError:
            time.sleep(0.1)
    port = serve(line_to(behind))
    tunnel = http.client.HTTPConnection("127.0.0.1", port)
    tunnel.set_tunnel("127.0.0.1", server)
    tunnel.connect()
    seen = {"http.client": talk(tunnel.sock)}
    from python_socks.sync import Proxy
    seen["python-socks"] = talk(Proxy.from_url(f"http://127.0.0.1:{port}").connect("127.0.0.1", server))
    for which in ("node", "https-proxy-agent", "tunnel", "tunnel-agent"):
        command = ["node", "client.mjs", which, str(port), str(server)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.strip()
        seen[which] = said if said == "connection ended" else json.loads(said)
finally:
    proxy.kill()
for which, what in seen.items():
    print(f"{which:18} {what!r}")
kept, dropped, ended = "greeting\nanswer\n", "answer\n", "connection ended"
expected = {"http.client": dropped, "python-socks": dropped, "node": kept, "https-proxy-agent": dropped,
            "tunnel": ended, "tunnel-agent": ended}
sys.exit(seen != expected)
PY
python3 --version
PYTHONPATH=$(echo venv/lib/python3*/site-packages) python3 run.py venv/bin/pproxy
