"""The Lua script by which Redis keeps paces: `runs/engine/pacing/bucket.py` once more, done atomically.

KEYS one hash for each pace. ARGV[1] is JSON:
    {"verb": "take" | "settle" | "peek", "limits": [[requests, input, output, ramp_s], …], "need": [3], "patience": s,
     "back": [3], "heeds": number of the pace that heeds `told`, or 0, "told": [3], "remaining": [3], "age": s,
     "ahead": s, "takes_over": true | false, "constants": {…}}; -1 stands for None.
Answers {wait, pace, dimension} to `take` (0 as the pace: nobody has to wait), and one list for each pace to `peek`.
All numbers travel as text: Redis would cut them to integers. Whoever can write to Redis can write any number: one that
no bucket can hold is an error, by which the database keeps the paces.
"""

SCRIPT = """
local asked = cjson.decode(ARGV[1])
local c = asked.constants
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000 + asked.ahead

local function text(number) return string.format('%.17g', number) end

local function filled(warming, ramp)
  if ramp <= 0 then return warming end
  local part = math.min(warming, ramp)
  return c.cold * part + (1 - c.cold) * part * part / (2 * ramp) + math.max(0, warming - ramp)
end

local function time_of(area, ramp)
  if ramp <= 0 then return area end
  local whole = filled(ramp, ramp)
  if area >= whole then return ramp + area - whole end
  local bend = (1 - c.cold) / ramp
  return (math.sqrt(c.cold * c.cold + 2 * bend * area) - c.cold) / bend
end

local function rate(b, limits, i)
  if limits[i] < 0 then return nil end
  local per_minute = limits[i]
  if b.told[i] >= 0 and b.at - b.told_at < c.told_for then per_minute = math.min(per_minute, b.told[i]) end
  return per_minute / 60
end

local function room(b, limits, i)
  local warmth = 1
  if limits[4] > 0 then warmth = math.min(1, c.cold + (1 - c.cold) * (b.at - b.ramp_at) / limits[4]) end
  return math.max(c.least[i], rate(b, limits, i) * c.burst * warmth)
end

local function begin(limits)
  local b = {at = now, used = now, ramp_at = now, told_at = 0, left = {0, 0, 0}, told = {-1, -1, -1}}
  if asked.takes_over then
    b.ramp_at = now - limits[4]
    for i = 1, 3 do if limits[i] >= 0 then b.left[i] = -limits[i] / 60 * c.owed end end
  end
  return b
end

local function read(key, limits)
  local h = redis.call('HMGET', key, 'at', 'used', 'ramp', 'told_at', 'l1', 'l2', 'l3', 't1', 't2', 't3')
  if redis.call('EXISTS', key) == 0 then return begin(limits) end
  for i = 1, 10 do
    h[i] = tonumber(h[i] or nil)
    local can_be = h[i] and h[i] == h[i] and math.abs(h[i]) <= c.most and (i > 4 or h[i] <= now + c.skew)
    if not can_be then error('no pace can have such a number: ' .. key) end
  end
  return {at = h[1], used = h[2], ramp_at = h[3], told_at = h[4], left = {h[5], h[6], h[7]}, told = {h[8], h[9], h[10]}}
end

local function write(key, b)
  redis.call('HSET', key, 'at', text(b.at), 'used', text(b.used), 'ramp', text(b.ramp_at), 'told_at', text(b.told_at),
    'l1', text(b.left[1]), 'l2', text(b.left[2]), 'l3', text(b.left[3]),
    't1', text(b.told[1]), 't2', text(b.told[2]), 't3', text(b.told[3]))
  redis.call('EXPIRE', key, c.forget)
end

local function clip(b, limits)
  for i = 1, 3 do
    if limits[i] >= 0 then b.left[i] = math.min(b.left[i], room(b, limits, i)) end
  end
end

local function refill(b, limits)
  local to = math.max(now, b.at)
  local rates = {}
  for i = 1, 3 do rates[i] = limits[i] >= 0 and rate(b, limits, i) or -1 end
  local gained = filled(to - b.ramp_at, limits[4]) - filled(b.at - b.ramp_at, limits[4])
  b.at = to
  local full = true
  for i = 1, 3 do
    if rates[i] >= 0 then
      b.left[i] = b.left[i] + rates[i] * gained
      full = full and b.left[i] >= room(b, limits, i)
    end
  end
  clip(b, limits)
  if to - b.used > c.idle and full then
    b.ramp_at = to
    b.used = to
    clip(b, limits)
  end
end

local function wait_of(b, limits)
  local longest, binding = 0, 1
  for i = 1, 3 do
    if limits[i] >= 0 and asked.need[i] > 0 then
      local missing = math.min(asked.need[i], room(b, limits, i)) - b.left[i]
      if missing > 0 then
        local since = b.at - b.ramp_at
        local wait = time_of(filled(since, limits[4]) + missing / rate(b, limits, i), limits[4]) - since
        if wait > longest then longest, binding = wait, i end
      end
    end
  end
  return longest, binding
end

local function heed(b, limits)
  if asked.told[1] >= 0 or asked.told[2] >= 0 or asked.told[3] >= 0 then
    b.told = {asked.told[1], asked.told[2], asked.told[3]}
    b.told_at = b.at
  end
  for i = 1, 3 do
    if asked.remaining[i] >= 0 and limits[i] >= 0 then
      b.left[i] = math.min(b.left[i], asked.remaining[i] + rate(b, limits, i) * asked.age)
    end
  end
end

local buckets = {}
for n, key in ipairs(KEYS) do
  buckets[n] = read(key, asked.limits[n])
  refill(buckets[n], asked.limits[n])
end

local answer = {}
if asked.verb == 'take' then
  local longest, pace, dimension = 0, 0, 1
  for n, b in ipairs(buckets) do
    local wait, binding = wait_of(b, asked.limits[n])
    if wait > longest then longest, pace, dimension = wait, n, binding end
  end
  if longest <= asked.patience then
    for n, b in ipairs(buckets) do
      b.used = b.at
      for i = 1, 3 do b.left[i] = b.left[i] - asked.need[i] end
    end
  end
  answer = {text(longest), text(pace), text(dimension)}
elseif asked.verb == 'settle' then
  for n, b in ipairs(buckets) do
    for i = 1, 3 do b.left[i] = b.left[i] + asked.back[i] end
    clip(b, asked.limits[n])
    if asked.heeds == n then heed(b, asked.limits[n]) end
  end
else
  for n, b in ipairs(buckets) do
    answer[n] = {text(b.at), text(b.used), text(b.ramp_at), text(b.told_at), text(b.left[1]), text(b.left[2]),
      text(b.left[3]), text(b.told[1]), text(b.told[2]), text(b.told[3])}
  end
end
for n, key in ipairs(KEYS) do write(key, buckets[n]) end
return answer
"""
