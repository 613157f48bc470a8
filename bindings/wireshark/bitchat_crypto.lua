-- SipHash-2-4, BLAKE2s, ChaCha20 and Poly1305 in plain Lua, for the Bit Chat dissector.
--
-- Wireshark's Lua (5.2 up to Wireshark 4.2, 5.4 since) offers no ciphers to scripts that are the same in all
-- versions. Speed: a full packet takes a few milliseconds. Nothing here runs in constant time: it is
-- for looking at recordings whose keys the user has anyway.
--
-- Strings hold bytes. `bitchat_selftest.lua` checks all of this against published vectors.

local M = {}

local floor = math.floor
local byte, char, rep, sub = string.byte, string.char, string.rep, string.sub
local concat = table.concat
local WORD = 4294967296 -- 2^32

local band, bxor, lshift, rshift, rol
if bit32 then
    band, bxor, lshift, rshift, rol =
        bit32.band, bit32.bxor, bit32.lshift, bit32.rshift, bit32.lrotate
else
    -- Lua 5.3 and later, whose operators older versions cannot even parse.
    band, bxor, lshift, rshift, rol = load([[
        return function(a, b) return a & b end,
            function(a, b, ...)
                a = a ~ b
                for i = 1, select("#", ...) do a = a ~ (select(i, ...)) end
                return a
            end,
            function(a, n) return (a << n) & 0xffffffff end,
            function(a, n) return (a & 0xffffffff) >> n end,
            function(a, n)
                a = a & 0xffffffff
                return ((a << n) | (a >> (32 - n))) & 0xffffffff
            end
    ]])()
end

local function word(text, at)
    local a, b, c, d = byte(text, at, at + 3)
    return a + b * 256 + c * 65536 + d * 16777216
end

local function unword(value)
    return char(
        value % 256,
        floor(value / 256) % 256,
        floor(value / 65536) % 256,
        floor(value / 16777216) % 256
    )
end

--- A number below 2^53 as 8 little-endian bytes.
function M.le64(value)
    return unword(value % WORD) .. unword(floor(value / WORD))
end

--- "00ff" as bytes; nil if it is not hex.
function M.unhex(text)
    if #text % 2 ~= 0 or text:find("[^0-9a-fA-F]") then
        return nil
    end
    return (text:gsub("..", function(pair)
        return char(tonumber(pair, 16))
    end))
end

function M.hex(bytes)
    return (bytes:gsub(".", function(one)
        return ("%02x"):format(byte(one))
    end))
end

-- SipHash-2-4 ---------------------------------------------------------------------------------

-- 64-bit words are pairs (high, low) of 32-bit halves.
local function add64(ah, al, bh, bl)
    local low = al + bl
    local carry = low >= WORD and 1 or 0
    return (ah + bh + carry) % WORD, low % WORD
end

local function rol64(high, low, n)
    if n >= 32 then
        high, low, n = low, high, n - 32
    end
    if n == 0 then
        return high, low
    end
    local a = lshift(high, n) + rshift(low, 32 - n)
    return a, lshift(low, n) + rshift(high, 32 - n)
end

local function sip_round(v)
    local function mix(a, b, turn)
        v[a], v[a + 1] = add64(v[a], v[a + 1], v[b], v[b + 1])
        v[b], v[b + 1] = rol64(v[b], v[b + 1], turn)
        v[b], v[b + 1] = bxor(v[b], v[a]), bxor(v[b + 1], v[a + 1])
    end
    mix(1, 3, 13)
    v[1], v[2] = v[2], v[1]
    mix(5, 7, 16)
    mix(1, 7, 21)
    mix(5, 3, 17)
    v[5], v[6] = v[6], v[5]
end

--- The 8 bytes of SipHash-2-4 of `data` under the first 16 bytes of `key`.
function M.siphash24(key, data)
    local k0l, k0h, k1l, k1h = word(key, 1), word(key, 5), word(key, 9), word(key, 13)
    local v = {
        bxor(k0h, 0x736f6d65), bxor(k0l, 0x70736575),
        bxor(k1h, 0x646f7261), bxor(k1l, 0x6e646f6d),
        bxor(k0h, 0x6c796765), bxor(k0l, 0x6e657261),
        bxor(k1h, 0x74656462), bxor(k1l, 0x79746573),
    }
    local length = #data
    local padded = data .. rep("\0", 7 - length % 8) .. char(length % 256)
    for at = 1, #padded, 8 do
        local low, high = word(padded, at), word(padded, at + 4)
        v[7], v[8] = bxor(v[7], high), bxor(v[8], low)
        sip_round(v)
        sip_round(v)
        v[1], v[2] = bxor(v[1], high), bxor(v[2], low)
    end
    v[6] = bxor(v[6], 0xff)
    for _ = 1, 4 do
        sip_round(v)
    end
    local high = bxor(bxor(v[1], v[3]), bxor(v[5], v[7]))
    local low = bxor(bxor(v[2], v[4]), bxor(v[6], v[8]))
    return unword(low) .. unword(high)
end

-- BLAKE2s (RFC 7693) --------------------------------------------------------------------------

local IV = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}
local SIGMA = {
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
    { 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
    { 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
    { 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
    { 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
    { 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
    { 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
    { 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
    { 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
    { 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
}

local function blake2s_block(h, block, counted, last)
    local v = {}
    for i = 1, 8 do
        v[i], v[i + 8] = h[i], IV[i]
    end
    v[13] = bxor(v[13], counted % WORD)
    v[14] = bxor(v[14], floor(counted / WORD))
    if last then
        v[15] = bxor(v[15], 0xffffffff)
    end
    local m = {}
    for i = 0, 15 do
        m[i] = word(block, 4 * i + 1)
    end
    local function mix(a, b, c, d, x, y)
        local va, vb, vc, vd = v[a], v[b], v[c], v[d]
        va = (va + vb + x) % WORD
        vd = rol(bxor(vd, va), 16)
        vc = (vc + vd) % WORD
        vb = rol(bxor(vb, vc), 20)
        va = (va + vb + y) % WORD
        vd = rol(bxor(vd, va), 24)
        vc = (vc + vd) % WORD
        vb = rol(bxor(vb, vc), 25)
        v[a], v[b], v[c], v[d] = va, vb, vc, vd
    end
    for round = 1, 10 do
        local s = SIGMA[round]
        mix(1, 5, 9, 13, m[s[1]], m[s[2]])
        mix(2, 6, 10, 14, m[s[3]], m[s[4]])
        mix(3, 7, 11, 15, m[s[5]], m[s[6]])
        mix(4, 8, 12, 16, m[s[7]], m[s[8]])
        mix(1, 6, 11, 16, m[s[9]], m[s[10]])
        mix(2, 7, 12, 13, m[s[11]], m[s[12]])
        mix(3, 8, 9, 14, m[s[13]], m[s[14]])
        mix(4, 5, 10, 15, m[s[15]], m[s[16]])
    end
    for i = 1, 8 do
        h[i] = bxor(h[i], bxor(v[i], v[i + 8]))
    end
end

--- BLAKE2s of `data` with `length` bytes of output; `key` (up to 32 bytes) may be nil.
function M.blake2s(data, length, key)
    key = key or ""
    local h = {}
    for i = 1, 8 do
        h[i] = IV[i]
    end
    h[1] = bxor(h[1], 0x01010000 + #key * 256 + length)
    if #key > 0 then
        data = key .. rep("\0", 64 - #key) .. data
    end
    local blocks = math.max(1, math.ceil(#data / 64))
    local padded = data .. rep("\0", blocks * 64 - #data)
    for i = 1, blocks do
        local last = i == blocks
        local block = sub(padded, 64 * i - 63, 64 * i)
        blake2s_block(h, block, last and #data or 64 * i, last)
    end
    local out = {}
    for i = 1, 8 do
        out[i] = unword(h[i])
    end
    return sub(concat(out), 1, length)
end

-- ChaCha20 (RFC 8439) -------------------------------------------------------------------------

-- The ten double rounds are written out by a program, so that all words are local variables.
local function chacha_source()
    local names = {}
    for i = 0, 15 do
        names[#names + 1] = "x" .. i
    end
    local all = concat(names, ",")
    local lines = {
        "local rol, bxor = ...",
        "return function(" .. all .. ")",
        "for _ = 1, 10 do",
    }
    local function step(a, b, d, turn)
        lines[#lines + 1] = ("x%d = (x%d + x%d) %% 4294967296"):format(a, a, b)
        lines[#lines + 1] = ("x%d = rol(bxor(x%d, x%d), %d)"):format(d, d, a, turn)
    end
    local rounds = {
        { 0, 4, 8, 12 }, { 1, 5, 9, 13 }, { 2, 6, 10, 14 }, { 3, 7, 11, 15 },
        { 0, 5, 10, 15 }, { 1, 6, 11, 12 }, { 2, 7, 8, 13 }, { 3, 4, 9, 14 },
    }
    for _, quarter in ipairs(rounds) do
        local a, b, c, d = quarter[1], quarter[2], quarter[3], quarter[4]
        step(a, b, d, 16)
        step(c, d, b, 12)
        step(a, b, d, 8)
        step(c, d, b, 7)
    end
    lines[#lines + 1] = "end return " .. all .. " end"
    return concat(lines, "\n")
end
local chacha_rounds = assert(load(chacha_source()))(rol, bxor)

local function chacha_state(key, nonce)
    local s = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }
    for i = 0, 7 do
        s[5 + i] = word(key, 4 * i + 1)
    end
    for i = 0, 2 do
        s[14 + i] = word(nonce, 4 * i + 1)
    end
    return s
end

local unpack = table.unpack or unpack

local function chacha_block(s, counter)
    s[13] = counter
    local out = { chacha_rounds(unpack(s, 1, 16)) }
    for i = 1, 16 do
        out[i] = (out[i] + s[i]) % WORD
    end
    return out
end

--- `data` XORed with the key stream from block `counter` on.
function M.chacha20(key, nonce, counter, data)
    local state = chacha_state(key, nonce)
    local out = {}
    for at = 1, #data, 64 do
        local stream = chacha_block(state, counter)
        counter = counter + 1
        local length = math.min(64, #data - at + 1)
        local block = sub(data, at, at + length - 1)
        block = block .. rep("\0", 64 - length)
        local words = {}
        for i = 1, 16 do
            words[i] = unword(bxor(word(block, 4 * i - 3), stream[i]))
        end
        out[#out + 1] = sub(concat(words), 1, length)
    end
    return concat(out)
end

-- Poly1305 (RFC 8439) -------------------------------------------------------------------------

local LIMB = 4194304 -- 2^22

-- 128 bits and one more as six limbs of 22 bits: the products and their sums stay below 2^53.
local function limbs(w0, w1, w2, w3, top)
    return w0 % LIMB,
        floor(w0 / LIMB) + w1 % 4096 * 1024,
        floor(w1 / 4096) + w2 % 4 * 1048576,
        floor(w2 / 4) % LIMB,
        floor(w2 / 16777216) + w3 % 16384 * 256,
        floor(w3 / 16384) + top * 262144
end

--- The tag of `data` under a one-time key of 32 bytes.
function M.poly1305(key, data)
    local r0, r1, r2, r3, r4, r5 = limbs(
        band(word(key, 1), 0x0fffffff),
        band(word(key, 5), 0x0ffffffc),
        band(word(key, 9), 0x0ffffffc),
        band(word(key, 13), 0x0ffffffc),
        0
    )
    -- 2^132 is 20 modulo 2^130 - 5.
    local s1, s2, s3, s4, s5 = 20 * r1, 20 * r2, 20 * r3, 20 * r4, 20 * r5
    local h0, h1, h2, h3, h4, h5 = 0, 0, 0, 0, 0, 0
    local function carry()
        local c
        c = floor(h0 / LIMB) h0 = h0 % LIMB h1 = h1 + c
        c = floor(h1 / LIMB) h1 = h1 % LIMB h2 = h2 + c
        c = floor(h2 / LIMB) h2 = h2 % LIMB h3 = h3 + c
        c = floor(h3 / LIMB) h3 = h3 % LIMB h4 = h4 + c
        c = floor(h4 / LIMB) h4 = h4 % LIMB h5 = h5 + c
    end
    for at = 1, #data, 16 do
        local block = sub(data, at, at + 15)
        local m0, m1, m2, m3, m4, m5
        if #block == 16 then
            m0, m1, m2, m3, m4, m5 =
                limbs(word(block, 1), word(block, 5), word(block, 9), word(block, 13), 1)
        else
            block = block .. "\1" .. rep("\0", 15 - #block)
            m0, m1, m2, m3, m4, m5 =
                limbs(word(block, 1), word(block, 5), word(block, 9), word(block, 13), 0)
        end
        h0, h1, h2, h3, h4, h5 = h0 + m0, h1 + m1, h2 + m2, h3 + m3, h4 + m4, h5 + m5
        h0, h1, h2, h3, h4, h5 =
            h0 * r0 + h1 * s5 + h2 * s4 + h3 * s3 + h4 * s2 + h5 * s1,
            h0 * r1 + h1 * r0 + h2 * s5 + h3 * s4 + h4 * s3 + h5 * s2,
            h0 * r2 + h1 * r1 + h2 * r0 + h3 * s5 + h4 * s4 + h5 * s3,
            h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s5 + h5 * s4,
            h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0 + h5 * s5,
            h0 * r5 + h1 * r4 + h2 * r3 + h3 * r2 + h4 * r1 + h5 * r0
        carry()
        local c = floor(h5 / LIMB)
        h5 = h5 % LIMB
        h0 = h0 + 20 * c
        c = floor(h0 / LIMB)
        h0 = h0 % LIMB
        h1 = h1 + c
    end
    -- Down to 130 bits, twice as the first may carry, and then below 2^130 - 5.
    for _ = 1, 2 do
        carry()
        local c = floor(h5 / 1048576)
        h5 = h5 % 1048576
        h0 = h0 + 5 * c
    end
    carry()
    local full = h5 == 1048575 and h4 == LIMB - 1 and h3 == LIMB - 1
        and h2 == LIMB - 1 and h1 == LIMB - 1
    if full and h0 >= LIMB - 5 then
        h0, h1, h2, h3, h4, h5 = h0 - (LIMB - 5), 0, 0, 0, 0, 0
    end
    local w0 = h0 + h1 % 1024 * LIMB
    local w1 = floor(h1 / 1024) + h2 % 1048576 * 4096
    local w2 = floor(h2 / 1048576) + h3 * 4 + h4 % 256 * 16777216
    local w3 = floor(h4 / 256) + h5 % 262144 * 16384
    w0 = w0 + word(key, 17)
    w1 = w1 + word(key, 21) + floor(w0 / WORD)
    w2 = w2 + word(key, 25) + floor(w1 / WORD)
    w3 = w3 + word(key, 29) + floor(w2 / WORD)
    return unword(w0 % WORD) .. unword(w1 % WORD) .. unword(w2 % WORD) .. unword(w3 % WORD)
end

-- ChaCha20-Poly1305 ---------------------------------------------------------------------------

local function padded(data)
    return data .. rep("\0", -#data % 16)
end

--- What `sealed` (ciphertext, then 16 bytes of tag) holds; nil if it does not authenticate.
function M.open(key, nonce, aad, sealed)
    if #sealed < 16 then
        return nil
    end
    local text, tag = sub(sealed, 1, -17), sub(sealed, -16)
    local once = M.chacha20(key, nonce, 0, rep("\0", 32))
    local lengths = M.le64(#aad) .. M.le64(#text)
    if M.poly1305(once, padded(aad) .. padded(text) .. lengths) ~= tag then
        return nil
    end
    return M.chacha20(key, nonce, 1, text)
end

return M
