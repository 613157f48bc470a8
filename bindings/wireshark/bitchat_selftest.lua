-- Checks bitchat_crypto.lua against published vectors, and against those of a file, if one is named:
--
--   tshark -X lua_script:bitchat_selftest.lua -X lua_script1:more.lua -r any.pcap
--
-- `more.lua` returns a list of { op, expected, arguments... }, everything but numbers in hex.

local here = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
local crypto = dofile(here .. "bitchat_crypto.lua")

local function counting(from, to)
    local out = {}
    for value = from, to do
        out[#out + 1] = ("%02x"):format(value)
    end
    return table.concat(out)
end

local ops = {
    siphash24 = crypto.siphash24,
    blake2s = crypto.blake2s,
    chacha20 = crypto.chacha20,
    poly1305 = crypto.poly1305,
    open = function(...)
        return crypto.open(...) or "\0refused"
    end,
}

local vectors = {
    -- SipHash: a paper for fast hashing, appendix A.
    { "siphash24", "e545be4961ca29a1", counting(0, 15), counting(0, 14) },
    -- Its reference implementation: vectors 0, 1, 8.
    { "siphash24", "310e0edd47db6f72", counting(0, 15), "" },
    { "siphash24", "fd67dc93c539f874", counting(0, 15), "00" },
    { "siphash24", "6224939a79f5f593", counting(0, 15), counting(0, 7):sub(1, 16) },
    -- RFC 7693, appendix B; blake2s-kat of the reference implementation (keyed, input 00).
    { "blake2s", "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982", "616263", 32 },
    { "blake2s", "40d15fee7c328830166ac3f918650f807e7e01e177258cdc0a39b11f598066f1", "00", 32,
      counting(0, 31) },
    -- RFC 8439, 2.4.2 (its first block) and 2.5.2.
    { "chacha20", "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b",
      counting(0, 31), "000000000000004a00000000", 1,
      "4c616469657320616e642047656e746c656d656e206f662074686520636c6173" },
    { "poly1305", "a8061dc1305136c6c22b8baf0c0127a9",
      "85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b",
      "43727970746f6772617068696320466f72756d2052657365617263682047726f7570" },
    -- RFC 8439, A.3, 7 to 11: carries and the modulus.
    { "poly1305", "03" .. ("00"):rep(15), "02" .. ("00"):rep(31), ("ff"):rep(16) },
    { "poly1305", "03" .. ("00"):rep(15), "02" .. ("00"):rep(15) .. ("ff"):rep(16),
      "02" .. ("00"):rep(15) },
    { "poly1305", "05" .. ("00"):rep(15), "01" .. ("00"):rep(31),
      ("ff"):rep(16) .. "f0" .. ("ff"):rep(15) .. "11" .. ("00"):rep(15) },
    { "poly1305", ("00"):rep(16), "01" .. ("00"):rep(31),
      ("ff"):rep(16) .. "fb" .. ("fe"):rep(15) .. ("01"):rep(16) },
    { "poly1305", "fa" .. ("ff"):rep(15), "02" .. ("00"):rep(31), "fd" .. ("ff"):rep(15) },
}

local path = ...
if path then
    for _, vector in ipairs(dofile(path)) do
        vectors[#vectors + 1] = vector
    end
end

local failed = 0
for number, vector in ipairs(vectors) do
    local arguments = {}
    for i = 3, #vector do
        local value = vector[i]
        arguments[#arguments + 1] = type(value) == "string" and crypto.unhex(value) or value
    end
    local got = crypto.hex(ops[vector[1]](table.unpack(arguments)))
    if got ~= vector[2] then
        failed = failed + 1
        print(("vector %d (%s): %s instead of %s"):format(number, vector[1], got, vector[2]))
    end
end
print(("bitchat selftest: %d vectors, %d failed"):format(#vectors, failed))
