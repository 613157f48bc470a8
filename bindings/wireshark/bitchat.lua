-- Bit Chat for Wireshark and tshark (4.0 and later): probes, handshakes and packets, opened with a key log.
--
-- The layouts are those of spec/ in the Bit Chat repository; chapter 13 is the key log. What a peer sent
-- is never trusted: every length is compared with the bytes that are there before it is used.

local here = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
local crypto = dofile(here .. "bitchat_crypto.lua")

local bitchat = Proto("bitchat", "Bit Chat")

bitchat.prefs.keylog = Pref.string(
    "Key log file",
    os.getenv("BITCHATKEYLOGFILE") or "",
    "The file that BITCHATKEYLOGFILE named when the program ran (spec 13)"
)

-- Fields --------------------------------------------------------------------------------------

local FRAMES = {
    [0x00] = "PADDING", [0x01] = "PING", [0x02] = "ACK", [0x03] = "ACK (ECN)",
    [0x04] = "RESET_STREAM", [0x05] = "STOP_SENDING",
    [0x10] = "MAX_DATA", [0x11] = "MAX_STREAM_DATA", [0x12] = "MAX_STREAMS",
    [0x13] = "ACK_FREQUENCY", [0x14] = "IMMEDIATE_ACK",
    [0x18] = "NEW_CONNECTION_ID", [0x19] = "RETIRE_CONNECTION_ID",
    [0x1a] = "PATH_CHALLENGE", [0x1b] = "PATH_RESPONSE", [0x1c] = "CLOSE",
    [0x20] = "OBSERVED_ADDRESS", [0x30] = "DATAGRAM", [0x31] = "DATAGRAM (with length)",
}
for code = 0x08, 0x0f do
    FRAMES[code] = "STREAM"
end
local KINDS = { [0x11] = "probe", [0x12] = "probe-ack", [0x13] = "hs1", [0x14] = "hs2", [0x15] = "hs3" }
local CODES = {
    [0] = "no error", [1] = "protocol violation", [2] = "replaced by another session",
    [3] = "flow control exceeded", [4] = "too many streams", [5] = "a stream that was never opened",
    [6] = "the final size changed", [7] = "malformed or unknown frame",
    [0x0a] = "empty packet, or ACK of what was not sent", [0x0b] = "the control stream was closed",
    [12] = "no common channel", [13] = "going away", [14] = "certificate expired",
    [15] = "no rekey came",
}
local CONTROL = {
    [1] = "REKEY_INIT", [2] = "REKEY_RESP", [3] = "REKEY_ASK", [4] = "SLOT_TOKENS", [5] = "SLOT_CLOSE",
}
local CHANNEL = {
    [1] = "DIGEST", [2] = "HEADS", [3] = "WANT", [4] = "WANT_IDS", [5] = "ENTRIES", [6] = "PROOF",
    [7] = "PEERS", [8] = "PRUNE", [9] = "WANT_INFO", [10] = "INFO",
}
local MAPPINGS = { [1] = "not translated", [2] = "the same for all", [3] = "differs by destination" }
local LANES = { [0] = "synchronisation", [1] = "new entries", [2] = "earlier entries" }
local ROLES = { [0] = "pushed, or asked for by id", [1] = "part of an answer", [2] = "end of an answer",
    [3] = "end of an answer, more on request" }
local ENTRY_KINDS = { [0] = "binding", [1] = "text" }

local f = {}
local function field(name, make, label, ...)
    f[name] = make("bitchat." .. name, label, ...)
end
local number, small, bytes, text, flag =
    ProtoField.uint64, ProtoField.uint8, ProtoField.bytes, ProtoField.string, ProtoField.bool

field("kind", text, "Datagram")
field("cid", bytes, "Connection id")
field("direction", text, "Direction")
field("flags", small, "Flags", base.HEX)
field("phase", small, "Key phase")
field("generation", number, "Key generation")
field("pn_length", small, "Length of the packet number")
field("pn_truncated", number, "Packet number as sent")
field("pn", number, "Packet number")
field("payload", bytes, "Payload")
field("payload_length", number, "Length of the payload")
field("tag", bytes, "Tag")
field("authentic", flag, "Authentic")
field("frame", text, "Frame")
field("frame.type", small, "Type", base.HEX, FRAMES)
field("padding.length", number, "Length of the padding")
field("ack.largest", number, "Largest")
field("ack.delay", number, "Delay (µs)")
field("ack.range_count", number, "Ranges")
field("ack.first_range", number, "First range")
field("ack.gap", number, "Gap")
field("ack.range", number, "Range")
field("ack.ect0", number, "ECT(0)")
field("ack.ect1", number, "ECT(1)")
field("ack.ce", number, "CE")
field("ack_frequency.packets", number, "Packets")
field("ack_frequency.max_delay", number, "Longest delay (µs)")
field("ack_frequency.reordering", number, "Reordering")
field("stream.id", number, "Stream id")
field("stream.offset", number, "Offset")
field("stream.length", number, "Length")
field("stream.fin", flag, "FIN")
field("stream.data", bytes, "Data")
field("code", number, "Code")
field("final_size", number, "Final size")
field("limit", number, "Limit")
field("sequence", number, "Sequence")
field("retire_prior_to", number, "Retire prior to")
field("new_cid", bytes, "New connection id")
field("path_token", bytes, "Token")
field("reason", text, "Reason")
field("address", ProtoField.ipv6, "Address")
field("port", ProtoField.uint16, "Port")
field("datagram", bytes, "Datagram")
field("message", text, "Message")
field("message.length", number, "Message length")
field("control.type", small, "Control message", base.DEC, CONTROL)
field("control.generation", number, "Generation")
field("control.flags", small, "Flags", base.HEX)
field("control.noise", bytes, "Noise message")
field("control.kem", bytes, "ML-KEM-768")
field("control.base", number, "First slot")
field("control.token", bytes, "Token")
field("protocol", number, "Protocol of the stream", base.DEC, { [0] = "channel", [1] = "byte stream" })
field("stream.name", text, "Name of the byte stream")
field("slot", number, "Slot")
field("lane", small, "Lane", base.DEC, LANES)
field("channel.type", small, "Channel message", base.DEC, CHANNEL)
field("channel.digest", bytes, "Digest")
field("channel.author", bytes, "Author")
field("channel.seq", number, "Sequence number")
field("channel.id", bytes, "Entry id")
field("channel.resume", small, "Resume")
field("channel.role", small, "Role", base.DEC, ROLES)
field("channel.stub", bytes, "Stub")
field("peer.identity", bytes, "Identity")
field("peer.device", bytes, "Device id")
field("peer.seconds", number, "Seconds since the link")
field("peer.fact", number, "Kind of fact")
field("peer.unknown", bytes, "Of a kind that is not known")
field("peer.capabilities", number, "Capabilities")
field("peer.mapping", small, "Mapping", base.DEC, MAPPINGS)
field("peer.ipv4", ProtoField.ipv4, "Address")
field("peer.ipv6", ProtoField.ipv6, "Address")
field("peer.port", ProtoField.uint16, "Port")
field("entry", bytes, "Entry")
field("entry.version", small, "Version")
field("entry.chan", bytes, "Channel")
field("entry.epoch", bytes, "Epoch")
field("entry.author", bytes, "Author")
field("entry.seq", number, "Sequence number")
field("entry.prev", bytes, "Previous")
field("entry.cited", bytes, "Cited")
field("entry.lamport", number, "Lamport time")
field("entry.wall", number, "Wall clock (ms)")
field("entry.kind", small, "Kind", base.DEC, ENTRY_KINDS)
field("entry.text", text, "Text")
field("entry.body", bytes, "Body")
field("entry.signature", bytes, "Signature")
field("gate.nonce", bytes, "Envelope nonce")
field("gate.mac", bytes, "Envelope MAC")
field("gate.chan", bytes, "Channel")
field("gate.day", number, "Sender's day")
field("probe.nonce", bytes, "Nonce")
field("cookie", bytes, "Cookie")
field("hs.ephemeral", bytes, "Ephemeral key")
field("hs.static", bytes, "Static key (sealed)")
field("hs.payload", bytes, "Payload (sealed)")
field("hs.tail", bytes, "Tail")
field("hs.opened_static", bytes, "Static key")
field("hs.cid", bytes, "Connection id of the sender")
field("cert.version", small, "Certificate version")
field("cert.device", bytes, "Device id")
field("cert.static", bytes, "Device key")
field("cert.identity", bytes, "Identity")
field("cert.not_before", number, "Not before (ms)")
field("cert.not_after", number, "Not after (ms)")
field("cert.signature", bytes, "Signature")
field("hello.features", number, "Features", base.HEX)
field("hello.boot", bytes, "Boot id")

local fields = {}
for _, one in pairs(f) do
    fields[#fields + 1] = one
end
bitchat.fields = fields

local e = {
    malformed = ProtoExpert.new("bitchat.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR),
    sealed = ProtoExpert.new("bitchat.unauthentic", "Does not authenticate", expert.group.CHECKSUM,
        expert.severity.WARN),
    no_key = ProtoExpert.new("bitchat.no_key", "No key", expert.group.UNDECODED, expert.severity.NOTE),
}
bitchat.experts = { e.malformed, e.sealed, e.no_key }

-- Key log -------------------------------------------------------------------------------------

-- What is known of the present recording; made anew by `bitchat.init`.
local log, directions, opened

local function forget()
    log = { at = 0, gates = {}, handshakes = {}, seen = {} }
    directions = {}
    opened = {}
end
forget()

local function bytes_of(hex, length)
    local raw = hex and crypto.unhex(hex)
    return raw and #raw == length and raw or nil
end

local LABELS = {}

function LABELS.BITCHAT1_GATE_MAC(word)
    local chan, epoch, key = bytes_of(word[2], 20), bytes_of(word[3], 32), bytes_of(word[4], 32)
    if chan and epoch and key then
        local name = chan .. epoch
        log.gates[name] = log.gates[name] or { chan = chan }
        log.gates[name].mac = key
    end
end

function LABELS.BITCHAT1_GATE_MASK(word)
    local chan, epoch, key = bytes_of(word[2], 20), bytes_of(word[3], 32), bytes_of(word[4], 32)
    if chan and epoch and key then
        local name = chan .. epoch
        log.gates[name] = log.gates[name] or { chan = chan }
        log.gates[name].mask = key
    end
end

function LABELS.BITCHAT1_HANDSHAKE(word)
    local anchor, hash = bytes_of(word[2], 8), bytes_of(word[3], 32)
    local message, n, key = tonumber(word[4]), tonumber(word[5]), bytes_of(word[6], 32)
    if anchor and hash and message and n and key and n < 2 ^ 32 then
        local name = message .. anchor
        log.handshakes[name] = log.handshakes[name] or {}
        table.insert(log.handshakes[name], { hash = hash, n = n, key = key })
    end
end

local function direction_of(word)
    local cid, other = bytes_of(word[2], 8), bytes_of(word[3], 8)
    if not (cid and other and (word[4] == "i2r" or word[4] == "r2i")) then
        return nil
    end
    if not directions[cid] then
        directions[cid] = { cid = cid, name = word[4], keys = {}, streams = {}, generation = 0, budget = 4096 }
    end
    return directions[cid]
end

function LABELS.BITCHAT1_MASK(word)
    local key, direction = bytes_of(word[5], 32), direction_of(word)
    if key and direction then
        direction.mask = key
    end
end

-- A further id of a direction whose keys are known.
function LABELS.BITCHAT1_CONNECTION_ID(word)
    local first, further = bytes_of(word[2], 8), bytes_of(word[4], 8)
    local direction = first and directions[first]
    if direction and further and direction.name == word[3] and not directions[further] then
        directions[further] = direction
    end
end

function LABELS.BITCHAT1_PACKET(word)
    local generation, key = tonumber(word[5]), bytes_of(word[6], 32)
    local direction = direction_of(word)
    if generation and key and direction and generation < 2 ^ 53 and generation % 1 == 0 then
        direction.keys[generation] = key
    end
end

-- Reads what the log has grown by since the last call. A line without its end is left for later.
local function read_log()
    local path = bitchat.prefs.keylog
    if path == "" then
        return
    end
    local file = io.open(path, "rb")
    if not file then
        return
    end
    file:seek("set", log.at)
    local news = file:read("*a") or ""
    file:close()
    local whole = news:match("^.*\n") or ""
    log.at = log.at + #whole
    for line in whole:gmatch("[^\n]+") do
        local word = {}
        for one in line:gmatch("%S+") do
            word[#word + 1] = one
        end
        local take = LABELS[word[1]]
        if take and not log.seen[line] then
            log.seen[line] = true
            take(word)
        end
    end
end

-- Reading bytes -------------------------------------------------------------------------------

local MALFORMED = {}

-- A position in a Tvb; every step checks that the bytes are there.
local Reader = {}
Reader.__index = Reader

local function reader(tvb, from, to)
    return setmetatable({ tvb = tvb, at = from, to = to }, Reader)
end

local function malformed(what)
    error(setmetatable({ what = what }, MALFORMED), 0)
end

function Reader:left()
    return self.to - self.at
end

function Reader:take(length)
    if length > self:left() then
        malformed("the bytes end early")
    end
    local range = self.tvb(self.at, length)
    self.at = self.at + length
    return range
end

function Reader:u8()
    local range = self:take(1)
    return range:uint(), range
end

-- A varint (spec 01): its value as a Lua number, its bytes, and the exact value for a field.
function Reader:varint()
    if self:left() < 1 then
        malformed("the bytes end early")
    end
    local first = self.tvb(self.at, 1):uint()
    local length = 2 ^ math.floor(first / 64)
    local range = self:take(length)
    if length == 8 then
        local exact = range:uint64():band(UInt64(0xffffffff, 0x3fffffff))
        return exact:tonumber(), range, exact
    end
    local value = range:uint() - (length == 2 and 0x4000 or length == 4 and 0x80000000 or 0)
    return value, range, UInt64(value)
end

-- Little-endian u64.
local function add_u64(tree, name, range)
    tree:add_le(f[name], range)
end

function Reader:add_varint(tree, name)
    local value, range, exact = self:varint()
    tree:add(f[name], range, exact)
    return value
end

function Reader:add_bytes(tree, name, length)
    local range = self:take(length)
    return tree:add(f[name], range), range
end

-- Runs `body`; what is malformed becomes a remark in the tree instead of an error.
local function guarded(tree, body)
    local fine, fault = pcall(body)
    if not fine then
        if getmetatable(fault) == MALFORMED then
            tree:add_proto_expert_info(e.malformed, fault.what)
        else
            tree:add_proto_expert_info(e.malformed, "dissector: " .. tostring(fault))
        end
    end
    return fine
end

-- Channel messages (spec 09) ------------------------------------------------------------------

local function show_entry(r, tree)
    local item = tree:add(f["entry"], r.tvb(r.at, r:left()))
    guarded(item, function()
        local version = r:add_bytes(item, "entry.version", 1)
        if not version then
            return
        end
        r:add_bytes(item, "entry.chan", 20)
        r:add_bytes(item, "entry.epoch", 32)
        r:add_bytes(item, "entry.author", 32)
        local seq = r:add_varint(item, "entry.seq")
        r:add_bytes(item, "entry.prev", 32)
        for _ = 1, (r:u8()) do
            r:add_bytes(item, "entry.cited", 32)
        end
        r:add_varint(item, "entry.lamport")
        add_u64(item, "entry.wall", r:take(8))
        local kind, range = r:u8()
        item:add(f["entry.kind"], range, kind)
        local length = r:varint()
        local body = r:take(length)
        if length == 0 then
            item:add(f["entry.body"], body)
        elseif kind == 1 then
            item:add(f["entry.text"], body, body:string(ENC_UTF_8))
        else
            item:add(f["entry.body"], body)
        end
        r:add_bytes(item, "entry.signature", 64)
        if r:left() > 0 then
            malformed("bytes behind the entry")
        end
        item:set_text(("Entry: %s, seq %d, %d bytes"):format(ENTRY_KINDS[kind] or "kind " .. kind, seq, length))
    end)
end

-- One fact that PEERS tells of a member (spec 09).
local function show_fact(r, kind, tree)
    if kind == 1 or kind == 2 then
        if r:left() == 6 then
            r:add_bytes(tree, "peer.ipv4", 4)
        elseif r:left() == 18 then
            r:add_bytes(tree, "peer.ipv6", 16)
        else
            malformed("a route without an address")
        end
        tree:add_le(f["peer.port"], r:take(2))
    elseif kind == 3 then
        r:add_bytes(tree, "peer.identity", 32)
        r:add_bytes(tree, "peer.device", 16)
    elseif kind == 4 then
        r:add_varint(tree, "peer.capabilities")
    elseif kind == 5 then
        r:add_bytes(tree, "peer.mapping", 1)
    elseif r:left() > 0 then
        r:add_bytes(tree, "peer.unknown", r:left())
    end
    if r:left() > 0 then
        malformed("bytes behind a fact")
    end
end

local CHANNEL_BODIES = {
    [1] = function(r, tree)
        r:add_bytes(tree, "channel.digest", 32)
    end,
    [2] = function(r, tree)
        while r:left() > 0 do
            r:add_bytes(tree, "channel.author", 32)
            r:add_varint(tree, "channel.seq")
            r:add_bytes(tree, "channel.id", 32)
        end
    end,
    [3] = function(r, tree)
        r:add_bytes(tree, "channel.resume", 1)
    end,
    [4] = function(r, tree)
        while r:left() > 0 do
            r:add_bytes(tree, "channel.id", 32)
        end
    end,
    [5] = function(r, tree)
        r:add_bytes(tree, "channel.role", 1)
        while r:left() > 0 do
            local length = r:varint()
            local range = r:take(length)
            show_entry(reader(r.tvb, range:offset(), range:offset() + length), tree)
        end
    end,
    [6] = function(r, tree)
        for _ = 1, 2 do
            local length = r:varint()
            r:add_bytes(tree, "channel.stub", length)
        end
    end,
    [7] = function(r, tree)
        while r:left() > 0 do
            local length = r:varint()
            local range = r:take(length)
            local member = reader(r.tvb, range:offset(), range:offset() + length)
            member:add_bytes(tree, "peer.identity", 32)
            member:add_bytes(tree, "peer.device", 16)
            member:add_varint(tree, "peer.seconds")
            while member:left() > 0 do
                local kind = member:add_varint(tree, "peer.fact")
                local size = member:varint()
                local value = member:take(size)
                show_fact(reader(r.tvb, value:offset(), value:offset() + size), kind, tree)
            end
        end
    end,
    [8] = function(r, tree)
        while r:left() > 0 do
            r:add_bytes(tree, "channel.author", 32)
        end
    end,
}

-- Control messages (spec 08) ------------------------------------------------------------------

local function show_rekey(r, tree, kem_length)
    r:add_varint(tree, "control.generation")
    local flags, range = r:u8()
    tree:add(f["control.flags"], range, flags)
    r:add_bytes(tree, "control.noise", 48)
    if flags % 2 == 1 then
        r:add_bytes(tree, "control.kem", kem_length)
    end
end

local CONTROL_BODIES = {
    [1] = function(r, tree)
        show_rekey(r, tree, 1184)
    end,
    [2] = function(r, tree)
        show_rekey(r, tree, 1088)
    end,
    [3] = function() end,
    [4] = function(r, tree)
        r:add_varint(tree, "control.base")
        while r:left() > 0 do
            r:add_bytes(tree, "control.token", 16)
        end
    end,
    [5] = function(r, tree)
        r:add_varint(tree, "slot")
    end,
}

-- Messages on streams (spec 07, 08) -----------------------------------------------------------

-- Where messages begin on a stream, as far as that is known: ascending offsets. Message 0 is at 0, and
-- each message that is seen tells where the next one begins, also in a packet that is to come.
local function first_boundary(list, from)
    local low, high = 1, #list + 1
    while low < high do
        local middle = math.floor((low + high) / 2)
        if list[middle] < from then
            low = middle + 1
        else
            high = middle
        end
    end
    return low
end

local function note_boundary(list, offset)
    local at = first_boundary(list, offset)
    if list[at] ~= offset then
        table.insert(list, at, offset)
    end
end

-- One message whose bytes, from its type on, are [r.at, r.to); `whole` says whether that is all of it.
local function show_message(r, tree, control, header, whole, length, stream)
    local item = tree:add(f["message"], r.tvb(r.at, r:left()), "")
    item:add(f["message.length"], r.tvb(r.at, 0), UInt64(length))
    if header then
        item:set_text("Stream header")
        if whole then
            guarded(item, function()
                local protocol = r:add_varint(item, "protocol")
                if protocol == 0 then
                    r:add_varint(item, "slot")
                    r:add_bytes(item, "lane", 1)
                    return
                end
                -- What follows is no messages: bytes of an application, or of a later version.
                stream.raw = true
                if protocol == 1 then
                    r:add_varint(item, "slot")
                    r:add_bytes(item, "stream.name", r:left())
                end
            end)
        end
        return "stream header"
    end
    local kind, range = r:u8()
    local names = control and CONTROL or CHANNEL
    local name = names[kind] or ("message of type " .. kind)
    item:add(f[control and "control.type" or "channel.type"], range, kind)
    if not whole then
        item:set_text(("%s, %d bytes, of which the rest is in other packets"):format(name, length))
        -- A renewal's first message never fits into one packet: its beginning says the most.
        if control and CONTROL_BODIES[kind] then
            pcall(CONTROL_BODIES[kind], r, item)
        end
        return name
    end
    item:set_text(("%s, %d bytes"):format(name, length))
    local show = (control and CONTROL_BODIES or CHANNEL_BODIES)[kind]
    if show then
        guarded(item, function()
            show(r, item)
            if r:left() > 0 then
                malformed("bytes behind the message")
            end
        end)
    end
    return name
end

local function show_messages(direction, id, offset, range, tree)
    local length = range:len()
    local stream = direction.streams[id]
    if not stream then
        stream = { 0 }
        direction.streams[id] = stream
    end
    -- Back from whom a byte stream was opened: the byte that accepts it, then the application's.
    local opened_by_other = id ~= 0 and (id % 2 == 0) == (direction.name == "r2i")
    if stream.raw or opened_by_other then
        return {}
    end
    local names = {}
    local at = first_boundary(stream, offset)
    while stream[at] and stream[at] < offset + length do
        local begin = stream[at]
        local tvb = range:tvb()
        local r = reader(tvb, begin - offset, length)
        local size
        local read = pcall(function()
            size = r:varint()
        end)
        -- A length that is cut in two, or one that no message has: from here on nothing is known.
        if not read or size == 0 or size > 131072 then
            if read then
                tree:add_proto_expert_info(e.malformed, "a message of " .. size .. " bytes")
            end
            break
        end
        local whole = r:left() >= size
        local inner = reader(tvb, r.at, whole and r.at + size or length)
        note_boundary(stream, offset + r.at + size)
        if inner:left() > 0 then
            local header = id ~= 0 and begin == 0
            names[#names + 1] = show_message(inner, tree, id == 0, header, whole, size, stream)
        end
        at = at + 1
        if stream.raw then
            break
        end
    end
    return names
end

-- Frames (spec 07) ----------------------------------------------------------------------------

local function show_ack(r, tree, with_ecn)
    r:add_varint(tree, "ack.largest")
    r:add_varint(tree, "ack.delay")
    local count = r:add_varint(tree, "ack.range_count")
    if count > 63 then
        malformed("an ACK of more than 64 ranges")
    end
    r:add_varint(tree, "ack.first_range")
    for _ = 1, count do
        r:add_varint(tree, "ack.gap")
        r:add_varint(tree, "ack.range")
    end
    if with_ecn then
        r:add_varint(tree, "ack.ect0")
        r:add_varint(tree, "ack.ect1")
        r:add_varint(tree, "ack.ce")
    end
end

local function show_stream(r, tree, code, direction, notes)
    local id = r:add_varint(tree, "stream.id")
    local offset = 0
    if math.floor(code / 4) % 2 == 1 then
        offset = r:add_varint(tree, "stream.offset")
    else
        tree:add(f["stream.offset"], r.tvb(r.at, 0), UInt64(0)):set_generated()
    end
    local length
    if math.floor(code / 2) % 2 == 1 then
        length = r:add_varint(tree, "stream.length")
    else
        length = r:left()
        tree:add(f["stream.length"], r.tvb(r.at, 0), UInt64(length)):set_generated()
    end
    local fin = code % 2 == 1
    tree:add(f["stream.fin"], r.tvb(r.at, 0), fin):set_generated()
    local range = r:take(length)
    local names = {}
    if length > 0 then
        tree:add(f["stream.data"], range)
        names = show_messages(direction, id, offset, range, tree)
    end
    local what = ("%d [%d, %d)%s"):format(id, offset, offset + length, fin and " FIN" or "")
    tree:append_text(" " .. what)
    local said = #names > 0 and ": " .. table.concat(names, ", ") or ""
    notes[#notes + 1] = "STREAM " .. id .. said
end

local function show_frame(r, tree, direction, notes)
    local begin = r.at
    local code, range = r:u8()
    local name = FRAMES[code]
    local item = tree:add(f["frame"], r.tvb(begin, r.to - begin), name or "unknown")
    item:add(f["frame.type"], range, code)
    local body = function()
        if not name then
            malformed(("a frame of the unknown type 0x%02x"):format(code))
        elseif code == 0x00 then
            while r:left() > 0 and r.tvb(r.at, 1):uint() == 0 do
                r.at = r.at + 1
            end
            local count = r.at - begin
            item:add(f["padding.length"], r.tvb(begin, count), UInt64(count))
        elseif code == 0x02 or code == 0x03 then
            show_ack(r, item, code == 0x03)
            notes[#notes + 1] = "ACK"
        elseif code == 0x04 then
            r:add_varint(item, "stream.id")
            r:add_varint(item, "code")
            r:add_varint(item, "final_size")
        elseif code == 0x05 then
            r:add_varint(item, "stream.id")
            r:add_varint(item, "code")
        elseif name == "STREAM" then
            show_stream(r, item, code, direction, notes)
        elseif code == 0x10 or code == 0x12 then
            r:add_varint(item, "limit")
        elseif code == 0x11 then
            r:add_varint(item, "stream.id")
            r:add_varint(item, "limit")
        elseif code == 0x13 then
            r:add_varint(item, "sequence")
            r:add_varint(item, "ack_frequency.packets")
            r:add_varint(item, "ack_frequency.max_delay")
            r:add_varint(item, "ack_frequency.reordering")
        elseif code == 0x18 then
            local sequence = r:add_varint(item, "sequence")
            if r:add_varint(item, "retire_prior_to") > sequence then
                malformed("retire prior to is above sequence")
            end
            r:add_bytes(item, "new_cid", 8)
        elseif code == 0x19 then
            r:add_varint(item, "sequence")
        elseif code == 0x1a or code == 0x1b then
            r:add_bytes(item, "path_token", 8)
        elseif code == 0x1c then
            local value = r:add_varint(item, "code")
            if CODES[value] then
                item:append_text(" (" .. CODES[value] .. ")")
            end
            local length = r:varint()
            if length > 256 then
                malformed("a reason of more than 256 bytes")
            end
            local reason = r:take(length)
            if length > 0 then
                item:add(f["reason"], reason, reason:string(ENC_UTF_8))
            end
        elseif code == 0x20 then
            r:add_bytes(item, "address", 16)
            item:add_le(f["port"], r:take(2))
        elseif code == 0x30 then
            r:add_bytes(item, "datagram", r:left())
        elseif code == 0x31 then
            r:add_bytes(item, "datagram", (r:varint()))
        end
    end
    local fine = guarded(item, body)
    -- STREAM and ACK have said more themselves.
    if code > 0x03 and name ~= "STREAM" or code == 0x01 then
        notes[#notes + 1] = name or "unknown frame"
    end
    item:set_len(r.at - begin)
    return fine
end

-- Packets (spec 06) ---------------------------------------------------------------------------

-- The number with these low bytes that is closest to the one expected (RFC 9000, A.3).
local function expand(truncated, length, largest)
    local window = 256 ^ length
    local expected = largest and largest + 1 or 0
    local candidate = expected - expected % window + truncated
    if candidate + window / 2 <= expected then
        return candidate + window
    elseif candidate > expected + window / 2 and candidate >= window then
        return candidate - window
    end
    return candidate
end

-- Generations that this phase may stand for, the likeliest first.
local function generations(direction, phase)
    local list = {}
    for generation in pairs(direction.keys) do
        if generation % 4 == phase then
            list[#list + 1] = generation
        end
    end
    table.sort(list, function(a, b)
        local da, db = math.abs(a - direction.generation), math.abs(b - direction.generation)
        return da < db or da == db and a < b
    end)
    return list
end

local function xor_byte(a, b)
    local value, bit = 0, 1
    for _ = 1, 8 do
        if a % 2 ~= b % 2 then
            value = value + bit
        end
        a, b, bit = math.floor(a / 2), math.floor(b / 2), bit * 2
    end
    return value
end

local function try_open(direction, packet, numbers)
    for _, generation in ipairs(generations(direction, packet.phase)) do
        for _, pn in ipairs(numbers) do
            direction.budget = direction.budget - 1
            local nonce = "\0\0\0\0" .. crypto.le64(pn)
            local payload = crypto.open(direction.keys[generation], nonce, packet.aad, packet.sealed)
            if payload then
                packet.generation, packet.pn, packet.payload = generation, pn, payload
                return true
            end
        end
    end
    return false
end

-- What can be known of a packet of a direction.
local function open_packet(direction, raw)
    local packet = {}
    if #raw < 27 then
        packet.fault = "too short for a packet"
        return packet
    end
    local mask = crypto.siphash24(direction.mask, raw:sub(-16))
    packet.flags = xor_byte(raw:byte(9), mask:byte(1))
    if packet.flags >= 16 then
        packet.fault = "a reserved flag is set: not a packet of this session"
        return packet
    end
    packet.phase = math.floor(packet.flags / 4)
    packet.pn_length = packet.flags % 4 + 1
    if #raw < 26 + packet.pn_length then
        packet.fault = "too short for a packet"
        return packet
    end
    local low, header = 0, raw:sub(1, 8) .. string.char(packet.flags)
    for i = 1, packet.pn_length do
        local value = xor_byte(raw:byte(9 + i), mask:byte(1 + i))
        low = low + value * 256 ^ (i - 1)
        header = header .. string.char(value)
    end
    packet.truncated, packet.aad = low, header
    packet.sealed = raw:sub(10 + packet.pn_length)
    packet.known = #generations(direction, packet.phase) > 0
    local found = try_open(direction, packet, { expand(low, packet.pn_length, direction.largest) })
    if not found and not direction.largest and direction.budget > 0 and packet.known then
        -- The recording began in the midst of the session: look further for its numbers.
        local window, numbers = 256 ^ packet.pn_length, {}
        for turn = 1, math.min(1024, direction.budget) do
            numbers[turn] = low + turn * window
        end
        found = try_open(direction, packet, numbers)
    end
    if found then
        direction.largest = math.max(direction.largest or 0, packet.pn)
        direction.generation = packet.generation
    end
    return packet
end

local function show_header(packet, tvb, tree)
    tree:add(f["flags"], tvb(8, 1), packet.flags):append_text(" (unmasked)")
    tree:add(f["phase"], tvb(8, 1), packet.phase):set_generated()
    tree:add(f["pn_length"], tvb(8, 1), packet.pn_length):set_generated()
    local number_range = tvb(9, packet.pn_length)
    tree:add(f["pn_truncated"], number_range, UInt64(packet.truncated)):append_text(" (unmasked)")
    return number_range
end

local function as_number(value)
    return UInt64(value % 4294967296, math.floor(value / 4294967296))
end

local function show_packet(direction, tvb, pinfo, root)
    local name = pinfo.number .. "/" .. direction.cid
    local packet = opened[name]
    if not packet then
        packet = open_packet(direction, tvb:raw(0, tvb:len()))
        opened[name] = packet
    end
    local tree = root:add(bitchat, tvb(), "Bit Chat, packet")
    tree:add(f["kind"], tvb(0, 0), "packet"):set_generated()
    tree:add(f["cid"], tvb(0, 8))
    tree:add(f["direction"], tvb(0, 8), direction.name):set_generated()
    if packet.fault then
        tree:add_proto_expert_info(e.malformed, packet.fault)
        pinfo.cols.info = "packet: " .. packet.fault
        return
    end
    local number_range = show_header(packet, tvb, tree)
    local payload_at = 9 + packet.pn_length
    local sealed = tvb(payload_at, tvb:len() - payload_at - 16)
    local tag = tvb(tvb:len() - 16, 16)
    tree:add(f["authentic"], tag, packet.payload ~= nil):set_generated()
    if not packet.payload then
        tree:add(f["payload"], sealed)
        tree:add(f["tag"], tag)
        local why = packet.known and "it is damaged, or its number is unknown"
            or "the key log has no key of phase " .. packet.phase
        tree:add_proto_expert_info(packet.known and e.sealed or e.no_key, "Not opened: " .. why)
        pinfo.cols.info = ("packet %s, not opened"):format(direction.name)
        return
    end
    tree:add(f["generation"], tvb(8, 1), as_number(packet.generation)):set_generated()
    tree:add(f["pn"], number_range, as_number(packet.pn)):set_generated()
    tree:add(f["payload_length"], sealed, UInt64(#packet.payload)):set_generated()
    tree:add(f["tag"], tag)
    tree:append_text((" %s, number %d, generation %d"):format(direction.name, packet.pn, packet.generation))
    local plain = ByteArray.new(packet.payload, true):tvb("Decrypted Bit Chat packet")
    local r = reader(plain, 0, plain:len())
    local notes = {}
    while r:left() > 0 and show_frame(r, tree, direction, notes) do
    end
    pinfo.cols.info = ("%s %d: %s"):format(direction.name, packet.pn, table.concat(notes, ", "))
end

-- Probes and handshakes (spec 04, 05) ---------------------------------------------------------

local function open_gate(raw, day)
    local nonce, mac, masked = raw:sub(1, 16), raw:sub(17, 32), raw:sub(33)
    local digest
    for _, gate in pairs(log.gates) do
        if gate.mac and gate.mask then
            digest = digest or crypto.blake2s(nonce .. masked, 32)
            for _, sent in ipairs({ day, day - 1, day + 1 }) do
                if sent >= 0 and crypto.blake2s(crypto.le64(sent) .. digest, 16, gate.mac) == mac then
                    local body = crypto.chacha20(gate.mask, nonce:sub(1, 12), 0, masked)
                    return { body = body, gate = gate, day = sent }
                end
            end
        end
    end
    return nil
end

-- What a sealed part of a handshake message holds, in a Tvb of its own; nil without its key.
local function open_part(message, anchor, raw, name)
    for _, part in ipairs(log.handshakes[message .. anchor] or {}) do
        local nonce = "\0\0\0\0" .. crypto.le64(part.n)
        local plain = crypto.open(part.key, nonce, part.hash, raw)
        if plain then
            return ByteArray.new(plain, true):tvb(name)
        end
    end
    return nil
end

local function show_hello(r, tree)
    tree:add(f["cert.version"], r:take(1))
    r:add_bytes(tree, "cert.device", 16)
    r:add_bytes(tree, "cert.static", 32)
    r:add_bytes(tree, "cert.identity", 32)
    add_u64(tree, "cert.not_before", r:take(8))
    add_u64(tree, "cert.not_after", r:take(8))
    r:add_bytes(tree, "cert.signature", 64)
    add_u64(tree, "hello.features", r:take(8))
    r:add_bytes(tree, "hello.boot", 16)
end

local function show_static(r, tree, message, anchor)
    local _, range = r:add_bytes(tree, "hs.static", 48)
    local plain = open_part(message, anchor, range:raw(), "Opened static key")
    if plain and plain:len() == 32 then
        tree:add(f["hs.opened_static"], plain())
    end
end

local function show_noise_payload(r, tree, message, anchor, length)
    local _, range = r:add_bytes(tree, "hs.payload", length)
    local plain = open_part(message, anchor, range:raw(), "Opened handshake payload")
    if not plain then
        tree:add_proto_expert_info(e.no_key, "Not opened: the key log has no line for it")
        return
    end
    local inner = reader(plain, 0, plain:len())
    if message < 3 then
        inner:add_bytes(tree, "hs.cid", 8)
    end
    if message > 1 then
        show_hello(inner, tree)
    end
end

local BODIES = {
    [0x11] = function(r, tree)
        r:add_bytes(tree, "probe.nonce", 12)
        r:add_bytes(tree, "cookie", 16)
    end,
    [0x12] = function(r, tree)
        r:add_bytes(tree, "probe.nonce", 12)
        r:add_bytes(tree, "cookie", 16)
        r:add_bytes(tree, "address", 16)
        tree:add_le(f["port"], r:take(2))
    end,
    [0x13] = function(r, tree)
        r:add_bytes(tree, "cookie", 16)
        local _, ephemeral = r:add_bytes(tree, "hs.ephemeral", 32)
        show_noise_payload(r, tree, 1, ephemeral:raw(0, 8), 24)
    end,
    [0x14] = function(r, tree)
        local _, cid = r:add_bytes(tree, "cid", 8)
        r:add_bytes(tree, "hs.ephemeral", 32)
        show_static(r, tree, 2, cid:raw())
        show_noise_payload(r, tree, 2, cid:raw(), 209)
    end,
    [0x15] = function(r, tree)
        local _, cid = r:add_bytes(tree, "cid", 8)
        show_static(r, tree, 3, cid:raw())
        show_noise_payload(r, tree, 3, cid:raw(), 201)
    end,
}

local function show_gate(found, tvb, pinfo, root)
    local kind = found.body:byte(1)
    local name = KINDS[kind] or ("kind 0x%02x"):format(kind)
    local tree = root:add(bitchat, tvb(), "Bit Chat, " .. name)
    tree:add(f["kind"], tvb(0, 0), name):set_generated()
    tree:add(f["gate.nonce"], tvb(0, 16))
    tree:add(f["gate.mac"], tvb(16, 16))
    local chan = ByteArray.new(found.gate.chan, true):tvb("Channel")
    tree:add(f["gate.chan"], chan()):set_generated()
    tree:add(f["gate.day"], tvb(16, 16), UInt64(found.day)):set_generated()
    local plain = ByteArray.new(found.body, true):tvb("Unmasked Bit Chat body")
    local r = reader(plain, 1, plain:len())
    local show = BODIES[kind]
    if show then
        guarded(tree, function()
            show(r, tree)
            if r:left() > 0 then
                r:add_bytes(tree, "hs.tail", r:left())
            end
        end)
    else
        tree:add_proto_expert_info(e.malformed, "a body of an unknown kind or version")
    end
    pinfo.cols.info = name
end

-- Entrances -----------------------------------------------------------------------------------

-- Shows a datagram if the key log knows it; whether it did.
local function dissect(tvb, pinfo, root)
    local length = tvb:len()
    if length < 27 or tvb:captured_len() < length or tvb:reported_len() > length then
        return false
    end
    local known = opened[pinfo.number]
    if known == false and pinfo.visited then
        return false
    end
    if not pinfo.visited then
        read_log()
    end
    local direction = directions[tvb:raw(0, 8)]
    if direction and direction.mask then
        pinfo.cols.protocol = "Bit Chat"
        show_packet(direction, tvb, pinfo, root)
        return true
    end
    if length > 32 then
        local day = math.floor(tonumber(pinfo.abs_ts) / 86400)
        local found = known or open_gate(tvb:raw(0, length), day)
        if found then
            opened[pinfo.number] = found
            pinfo.cols.protocol = "Bit Chat"
            show_gate(found, tvb, pinfo, root)
            return true
        end
    end
    opened[pinfo.number] = false
    return false
end

function bitchat.dissector(tvb, pinfo, root)
    return dissect(tvb, pinfo, root) and tvb:len() or 0
end

bitchat.init = forget

bitchat:register_heuristic("udp", dissect)
