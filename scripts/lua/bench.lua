-- What wrk runs under `bench`: sends a pool of requests rendered beforehand and writes the whole
-- latency histogram with all counters as JSON when it is done.
--
-- Environment (wrk hands a script no other safe channel: arguments after `--` are the user's):
--   BENCH_POOL      file of rendered requests (format: see bench/loadtools/request_pools.py)
--   BENCH_OUT       file that done() writes
--   BENCH_SEED      integer; with the thread's number it decides the order of requests
--   BENCH_USER_LUA  optional script of the user's, run inside this one
--   BENCH_STATUSES  1: count the status of every response (not with a user's script)
--
-- The histogram written is the one wrk shows, that is after its correction; bench undoes it.
-- response() is defined only where statuses are counted: merely defining it makes wrk collect
-- headers and bodies.

local ALL_CALLBACKS = { "setup", "init", "delay", "request", "response", "done" }
local SEED_STRIDE = 7919
local user = {}

local function fail(text)
  io.stderr:write("bench.lua: ", text, "\n")
  io.stderr:flush()
  os.exit(1)
end

local function env(name)
  local value = os.getenv(name)
  if not value or value == "" then fail(name .. " is not set") end
  return value
end

-- Pool ---------------------------------------------------------------------------------------

local function read_pool(path)
  local file, reason = io.open(path, "rb")
  if not file then fail("cannot read the pool: " .. tostring(reason)) end
  local requests, kinds = {}, {}
  local header = file:read("*l") or ""
  local count, slot_count = header:match("^bench%-pool 1 (%d+) (%d+)$")
  if not count then fail("not a pool file: " .. path) end
  for index = 1, tonumber(count) do
    local kind, length = (file:read("*l") or ""):match("^(%d+) (%d+)$")
    local text = kind and file:read(tonumber(length))
    if not text or #text ~= tonumber(length) or file:read(1) ~= "\n" then
      fail("the pool file is cut short: " .. path)
    end
    requests[index], kinds[index] = text, tonumber(kind)
  end
  local slots = {}
  for number in (file:read("*l") or ""):gmatch("%d+") do slots[#slots + 1] = tonumber(number) + 1 end
  file:close()
  if #slots ~= tonumber(slot_count) then fail("the pool file is cut short: " .. path) end
  return requests, kinds, slots
end

local function shuffle(list)
  for index = #list, 2, -1 do
    local other = math.random(index)
    list[index], list[other] = list[other], list[index]
  end
end

-- The user's script --------------------------------------------------------------------------

local function plain_request()
  return table.concat({ tostring(wrk.method), tostring(wrk.path), tostring(wrk.body) }, "\0")
end

-- A script that reads `paths.txt` means the file beside it: wrk's own folder is the trial's.
-- Returns what to put before the message of an error: the last file that could not be opened.
local function look_beside(script)
  local folder = script:match("^(.*/)") or "./"
  local missing = ""
  local function beside(name)
    if type(name) ~= "string" or name:sub(1, 1) == "/" then return name end
    return folder .. name
  end
  local function noted(value, reason, ...)
    if not value then missing = tostring(reason) .. "; " end
    return value, reason, ...
  end
  local open, lines, load_file = io.open, io.lines, loadfile
  io.open = function(name, mode)
    if (mode or "r"):sub(1, 1) ~= "r" then return open(name, mode) end
    return noted(open(beside(name), mode))
  end
  io.lines = function(name, ...)
    if name == nil then return lines() end
    return lines(beside(name), ...)
  end
  loadfile = function(name, ...) return noted(load_file(beside(name), ...)) end
  dofile = function(name)
    local chunk, reason = loadfile(name)
    if not chunk then error(reason, 0) end
    return chunk()
  end
  package.path = folder .. "?.lua;" .. package.path
  return function() return missing end
end

local function load_user_script(path)
  local before = plain_request()
  local chunk, reason = loadfile(path)
  if not chunk then fail(tostring(reason)) end
  local missing = look_beside(path)
  local good, problem = pcall(chunk)
  if not good then fail(missing() .. tostring(problem)) end
  for _, name in ipairs(ALL_CALLBACKS) do
    if type(_G[name]) == "function" then user[name] = _G[name] end
  end
  user.sets_request = plain_request() ~= before or next(wrk.headers) ~= nil
end

local user_script = os.getenv("BENCH_USER_LUA")
if user_script and user_script ~= "" then load_user_script(user_script) end

-- Statuses -----------------------------------------------------------------------------------

if os.getenv("BENCH_STATUSES") == "1" then
  bench_statuses = {} -- a global, since done() runs in another state
  local counts = bench_statuses
  function response(status)
    counts[status] = (counts[status] or 0) + 1
  end
end

-- Main state: setup() ------------------------------------------------------------------------

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
  thread:set("bench_thread", #threads)
  if user.setup then user.setup(thread) end
end

-- Thread state: init() and request() ---------------------------------------------------------

-- Without request() wrk sends what wrk.format() says once, and never calls Lua in between. What
-- was sent is not counted then: there is one kind.
local function send_constant(text)
  bench_sent = nil
  wrk.format = function() return text end
  return nil
end

local function send_pool()
  local requests, kinds, slots = read_pool(env("BENCH_POOL"))
  shuffle(slots)
  local order, kind_of = {}, {}
  for index, slot in ipairs(slots) do
    order[index], kind_of[index] = requests[slot], kinds[slot]
  end
  -- Globals, since done() runs in another state and sees a thread only through thread:get().
  bench_sent = { position = 0, laps = 0 }
  bench_kinds = kind_of
  local count, sent = #order, bench_sent
  if #requests == 1 then return send_constant(order[1]) end
  local function next_request()
    local position = sent.position + 1
    if position > count then
      position = 1
      sent.laps = sent.laps + 1
    end
    sent.position = position
    return order[position]
  end
  if bench_thread ~= 1 then return next_request end
  return function() -- wrk asks the first thread once for a request that it only looks at
    request = next_request
    return order[1]
  end
end

local function send_plain()
  local text = wrk.format()
  return function() return text end
end

-- A script may send anything; only the workload's requests are verified. So what it makes is
-- compared with the pool: by method, path and body, since wrk writes headers in any order.
local REMEMBERED = 4096

local function parts_of(text)
  local method, path = text:match("^(%S+) (%S+)")
  local _, stop = text:find("\r\n\r\n", 1, true)
  local length = tonumber(text:lower():match("\r\ncontent%-length:%s*(%d+)")) or 0
  local ends = (stop or #text) + length
  return method or "", path or "", stop and text:sub(stop + 1, ends) or "", ends < #text
end

local function shared_prefix(one, other)
  local length = math.min(#one, #other)
  for index = 1, length do
    if one:byte(index) ~= other:byte(index) then return one:sub(1, index - 1) end
  end
  return one:sub(1, length)
end

-- Of a kind whose requests vary, what its paths have in common stands for all of them.
local function compared_with_pool(make)
  local requests, kinds = read_pool(env("BENCH_POOL"))
  local exact, varying, seen, remembered = {}, {}, {}, 0
  for index, text in ipairs(requests) do
    local method, path, body = parts_of(text)
    exact[method .. "\0" .. path .. "\0" .. body] = true
    local kind = varying[kinds[index]]
    if kind then
      kind.count = kind.count + 1
      kind.prefix = shared_prefix(kind.prefix, path)
      kind.suffix = shared_prefix(kind.suffix, path:reverse())
    else
      varying[kinds[index]] =
        { method = method, prefix = path, suffix = path:reverse(), count = 1 }
    end
  end
  local function fits(text)
    local method, path, body, more = parts_of(text)
    if more then return false end -- several in one: wrk times only the last of them
    if exact[method .. "\0" .. path .. "\0" .. body] then return true end
    for _, kind in pairs(varying) do
      if kind.count > 1 and kind.method == method
        and path:sub(1, #kind.prefix) == kind.prefix
        and path:reverse():sub(1, #kind.suffix) == kind.suffix then
        return true
      end
    end
    return false
  end
  bench_script = { sent = 0, other = 0, example = "" }
  local counts = bench_script
  return function(...)
    local text = make(...)
    counts.sent = counts.sent + 1
    local known = seen[text]
    if known == nil then
      known = fits(tostring(text))
      if remembered < REMEMBERED and text ~= nil then
        seen[text], remembered = known, remembered + 1
      end
    end
    if not known then
      counts.other = counts.other + 1
      if counts.example == "" then
        local method, path, _, more = parts_of(tostring(text))
        counts.example = (method .. " " .. path):sub(1, 120)
        if more then counts.example = counts.example .. " with further requests behind it" end
      end
    end
    return text
  end
end

function init(args)
  math.randomseed(tonumber(env("BENCH_SEED")) + bench_thread * SEED_STRIDE)
  local ours = request
  if user.init then user.init(args) end
  if request ~= ours then -- the user's init() made its own
    request = compared_with_pool(request)
  elseif user.request then
    request = compared_with_pool(user.request)
  elseif user.sets_request then
    request = compared_with_pool(send_plain())
  else
    request = send_pool()
  end
end

function request() -- replaced in init(); wrk asks for it by this name
  return wrk.format()
end

-- Main state: done() -------------------------------------------------------------------------

local function whole(number)
  return string.format("%.0f", number)
end

-- wrk's own array, read through the FFI. Its layout is the same in wrk 4.0 to 4.2; it is believed
-- only when its minimum, maximum and sum agree with what wrk's API says of it.
local function histogram_by_ffi(latency)
  local ffi = require("ffi")
  pcall(ffi.cdef, "typedef struct { uint64_t count, limit, min, max, data[1]; } bench_stats;")
  local stats = ffi.cast("bench_stats **", latency)[0]
  local max, limit = tonumber(stats.max), tonumber(stats.limit)
  if max ~= latency.max or tonumber(stats.min) ~= latency.min or max >= limit then return nil end
  local pairs_out, sum = {}, 0
  for value = 0, max do -- from 0: the correction adds samples below the minimum too
    local count = tonumber(stats.data[value])
    if count > 0 then
      pairs_out[#pairs_out + 1] = "[" .. value .. "," .. whole(count) .. "]"
      sum = sum + count
    end
  end
  if sum ~= tonumber(stats.count) then return nil end
  return pairs_out, limit - 1
end

local function histogram_by_api(latency)
  local pairs_out = {}
  for index = 1, #latency do
    local value, count = latency(index)
    pairs_out[index] = "[" .. whole(value) .. "," .. whole(count) .. "]"
  end
  return pairs_out
end

local function read_histogram(latency)
  if latency.max == 0 and latency.min > latency.max then return {}, nil, "empty" end
  if os.getenv("BENCH_NO_FFI") ~= "1" then
    local good, pairs_out, timeout = pcall(histogram_by_ffi, latency)
    if good and pairs_out then return pairs_out, timeout, "ffi" end
  end
  return histogram_by_api(latency), nil, "api"
end

-- How many requests of each kind were handed to wrk, over all threads; nil with a user's own.
local function sent_by_kind()
  local totals, highest = {}, -1
  for _, thread in ipairs(threads) do
    local sent, kinds = thread:get("bench_sent"), thread:get("bench_kinds")
    if not sent or not kinds then return nil end
    for index, kind in ipairs(kinds) do
      local count = sent.laps + (index <= sent.position and 1 or 0)
      totals[kind] = (totals[kind] or 0) + count
      highest = math.max(highest, kind)
    end
  end
  local list = {}
  for kind = 0, highest do list[#list + 1] = whole(totals[kind] or 0) end
  return list
end

-- Responses by status over all threads as JSON; null where they are not counted.
local function statuses_json()
  if not bench_statuses then return "null" end
  local totals, parts = {}, {}
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("bench_statuses") or {}) do
      totals[status] = (totals[status] or 0) + count
    end
  end
  for status, count in pairs(totals) do
    parts[#parts + 1] = '"' .. whole(tonumber(status)) .. '":' .. whole(count)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function quoted(text)
  return '"' .. text:gsub('[%c"\\\127-\255]', function(char)
    return string.format("\\u%04x", char:byte())
  end) .. '"'
end

-- What users' scripts made, over all threads; null without one.
local function script_json()
  local sent, other, example = 0, 0, ""
  for _, thread in ipairs(threads) do
    local counts = thread:get("bench_script")
    if not counts then return "null" end
    sent, other = sent + counts.sent, other + counts.other
    if example == "" then example = counts.example end
  end
  return '{"sent":' .. whole(sent) .. ',"other":' .. whole(other)
    .. ',"example":' .. quoted(example) .. "}"
end

local function write_file(path, text)
  local file, reason = io.open(path .. ".part", "wb")
  if not file then fail("cannot write the result: " .. tostring(reason)) end
  local good, problem = file:write(text)
  if not good or not file:close() then fail("cannot write the result: " .. tostring(problem)) end
  os.rename(path .. ".part", path)
end

local function latency_json(latency, source)
  if source == "empty" then return "null" end
  return string.format(
    '{"min":%s,"max":%s,"mean":%.6f,"stdev":%.6f}',
    whole(latency.min), whole(latency.max), latency.mean, latency.stdev
  )
end

function done(summary, latency, requests)
  local pairs_out, timeout, source = read_histogram(latency)
  local errors = summary.errors
  local sent = sent_by_kind()
  write_file(env("BENCH_OUT"), table.concat({
    '{"format":"bench-wrk","version":1',
    ',"threads":', #threads,
    ',"duration_us":', whole(summary.duration),
    ',"requests":', whole(summary.requests),
    ',"bytes":', whole(summary.bytes),
    ',"errors":{"connect":', whole(errors.connect),
    ',"read":', whole(errors.read),
    ',"write":', whole(errors.write),
    ',"status":', whole(errors.status),
    ',"timeout":', whole(errors.timeout), "}",
    ',"latency":', latency_json(latency, source),
    ',"timeout_us":', timeout and whole(timeout) or "null",
    ',"histogram_source":"', source, '"',
    ',"statuses":', statuses_json(),
    ',"sent":', sent and "[" .. table.concat(sent, ",") .. "]" or "null",
    ',"script":', script_json(),
    ',"histogram":[', table.concat(pairs_out, ","), "]}\n",
  }))
  if user.done then user.done(summary, latency, requests) end
end
