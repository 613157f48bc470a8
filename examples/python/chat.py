"""A conversation on Bit Chat: lines that are typed are sent, what arrives is printed.

    python3 chat.py [--local] [--peer HOST:PORT] DIRECTORY FILE.chat

DIRECTORY keeps who you are and what was said. --local allows trackers on this machine and network.
"""

import argparse
import asyncio
import contextlib
import sys
import threading

import dotchat
import dotchat.aio
from dotchat import events


def clean(text):
    """Others write this, and a terminal obeys: control characters are left out."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def show(message):
    author = "you" if message.own else dotchat.fingerprint(message.author.peer_id)[:9]
    later = "(something that only a later version can show)"
    print(f"{author}: {clean(message.text) if message.text is not None else later}")


async def print_events(node):
    async for event in node:
        if isinstance(event, events.MessageStored):
            show(event.message)
        elif isinstance(event, (events.MemberUp, events.MemberDown)):
            state = "here" if isinstance(event, events.MemberUp) else "gone"
            print(f"* {dotchat.fingerprint(event.device.peer_id)[:9]} is {state}")
        elif isinstance(event, events.Delivered):
            print(f"* stored by {dotchat.fingerprint(event.device.peer_id)[:9]}")
        elif isinstance(event, events.StoreFailing):
            print(f"* the store refuses: {event.reason}; it is tried again")


def typed(loop, lines):
    """A thread reads what is typed, since not every loop can wait for a terminal or a file."""
    for line in sys.stdin:
        loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
    loop.call_soon_threadsafe(lines.put_nowait, None)


async def chat(options):
    lines = asyncio.Queue()
    config = dotchat.Config(local_trackers=options.local)
    async with dotchat.aio.Node(options.directory, config) as node:
        channel = await node.join(options.file)
        count = 0
        async for message in node.history(channel):
            show(message)
            count += 1
        print(f"* ready at port {min(node.ports.values())}, {count} messages so far")
        if options.peer:
            host, port = options.peer.rsplit(":", 1)
            node.add_peer(channel, dotchat.Address(host.strip("[]"), int(port)))
        printing = asyncio.ensure_future(print_events(node))
        reader = (asyncio.get_running_loop(), lines)
        threading.Thread(target=typed, args=reader, daemon=True).start()
        while (line := await lines.get()) is not None:
            try:
                if line:
                    await node.send_text(channel, line)
            except dotchat.InvalidError as error:
                print(f"* not sent: {error}")
    await printing


def main():
    parser = argparse.ArgumentParser(description="A conversation on Bit Chat.")
    parser.add_argument("--local", action="store_true")
    parser.add_argument("--peer", metavar="HOST:PORT")
    parser.add_argument("directory")
    parser.add_argument("file")
    sys.stdout.reconfigure(line_buffering=True)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(chat(parser.parse_args()))


if __name__ == "__main__":
    main()
