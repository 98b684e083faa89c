//! What is done to a record in one piece, in the server. Every key that a script touches is named to it, so that a cluster
//! knows where to run it; a script that was run and whose answer got lost may run again.

/// The number of the lock is one more than the last, and no less than the server's clock in microseconds:
/// where a server has lost what it held, the numbers from before stay the lower ones.
///
/// `KEYS`: lock, fence. `ARGV`: the holder's name, the life in milliseconds. The answer: the number, or minus
/// the time that another's lock lives.
pub(super) const TAKE: &[u8] = br"
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
    local life = redis.call('PTTL', KEYS[1])
    if life == -1 then
        life = tonumber(ARGV[2])
    end
    return -math.max(life, 1)
end
local last = tonumber(redis.call('GET', KEYS[2]) or '') or 0
if holder then
    return last
end
local time = redis.call('TIME')
local number = math.max(last + 1, time[1] * 1000000 + time[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], string.format('%.0f', number))
return number
";

/// `KEYS`: lock, wake. `ARGV`: the holder's name, the life of the wake-up call in milliseconds.
pub(super) const FREE: &[u8] = br"
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1], KEYS[2])
    redis.call('RPUSH', KEYS[2], '')
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
return 1
";

/// Writes where the record is what the holder has seen, or what is to be written: an answer may get lost.
///
/// `KEYS`: fence, record, lock. `ARGV`: the number of the lock, what was seen, what is to be written, and to
/// hold the lock for another life the holder's name and the milliseconds. The answer: 1, 0 where the record
/// is another, -1 where the lock is.
pub(super) const WRITE: &[u8] = br"
if (tonumber(redis.call('GET', KEYS[1]) or '') or 0) > tonumber(ARGV[1]) then
    return -1
end
local stored = redis.call('GET', KEYS[2]) or ''
if stored ~= ARGV[2] and stored ~= ARGV[3] then
    return 0
end
if ARGV[4] then
    redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5])
else
    -- A server whose memory is full refuses a script's first write if that takes memory, and no later one:
    -- what was reserved for can be saved.
    redis.call('PERSIST', KEYS[2])
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[3])
return 1
";

/// `KEYS`: fence, record, count, copy. `ARGV`: the number of the lock, that of the copy, what was seen. The
/// answer: 1, 0 where the record or the number is another, -1 where the lock is.
pub(super) const SET_ASIDE: &[u8] = br"
if (tonumber(redis.call('GET', KEYS[1]) or '') or 0) > tonumber(ARGV[1]) then
    return -1
end
local kind = redis.call('TYPE', KEYS[2]).ok
local last = tonumber(redis.call('GET', KEYS[3]) or '') or 0
if kind == 'none' and last == tonumber(ARGV[2]) then
    return 1
end
if kind == 'none' or kind == 'string' and redis.call('GET', KEYS[2]) ~= ARGV[3] then
    return 0
end
if last + 1 ~= tonumber(ARGV[2]) then
    return 0
end
local is_moved = redis.call('RENAMENX', KEYS[2], KEYS[4])
redis.call('SET', KEYS[3], ARGV[2])
return is_moved
";

/// `KEYS`: fence, record, what else there is of it. `ARGV`: the number of the lock. The answer: whether there
/// was a record, -1 where the lock is another's.
pub(super) const DELETE: &[u8] = br"
if (tonumber(redis.call('GET', KEYS[1]) or '') or 0) > tonumber(ARGV[1]) then
    return -1
end
local existed = redis.call('EXISTS', KEYS[2])
for number = 2, #KEYS do
    redis.call('DEL', KEYS[number])
end
return existed
";
