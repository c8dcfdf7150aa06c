# csrc/dram/channel.pxd: one DRAM channel without its controller: timing, rows of the banks, counts, command log.
#
# Spec:   the timing table, which banks stand by together (a rank of a pseudo channel).
# State:  open row of each bank (CLOSED, or HALF_OPEN between ACT1 and ACT2), column accesses since its activation; the
#         row that it holds open for its compute unit: in a second row buffer where it has one, else in the only one.
# Counts: commands by kind, standby ticks with a row open and with none, and what the controllers add.

from libc.stdint cimport int32_t, int64_t, uint64_t

from bitline.csrc.engine.event_log cimport EventLog, log_event
from bitline.csrc.dram.timing cimport (
    Command, Timing, issue, PIM_ROW_CLOSE, PIM_ROW_OPEN, READ_DATA, ROW_CLOSE, ROW_HALF_OPEN, ROW_OPEN, WRITE_DATA,
)

cdef enum:
    CLOSED = -1
    HALF_OPEN = -2
    MAX_WORDS = 8         # of a bank mask: 512 banks
    MAX_COMMANDS = 48
    N_BUCKETS = 4096      # of a latency histogram
    EXACT_BUCKETS = 2048

cdef enum:             # counters
    N_READS
    N_WRITES
    N_FORWARDED           # reads answered from the write buffer
    N_MERGED              # requests that share another's command
    N_ROW_HITS            # requests whose first command was the access itself
    N_ROW_MISSES          # ... an activation
    N_ROW_CONFLICTS       # ... a precharge
    N_REUSED_ROWS         # accesses that found their row used since its activation
    N_READ_LATENCY        # sum over reads, ticks
    N_LATENCIES           # reads in that sum
    N_OPEN_STANDBY        # rank ticks with a row open
    N_CLOSED_STANDBY      # rank ticks with none
    N_DATA_TICKS          # ticks that the data pins carried a burst
    N_EXTRA0              # for the controller
    N_EXTRA1
    N_PIM_OPEN_STANDBY    # rank ticks with a row open in the second row buffer
    N_PIM_CLOSED_STANDBY
    N_COMPOSITE_COLUMNS   # columns of all composites
    N_COMMANDS            # first of MAX_COMMANDS: issues of each command

cdef enum:
    N_COUNTERS = 66       # N_COMMANDS + MAX_COMMANDS

cdef struct Names:        # command numbers of the standard, -1 where it has none
    int32_t activate
    int32_t activate_half
    int32_t precharge
    int32_t precharge_all
    int32_t read
    int32_t write
    int32_t read_close
    int32_t write_close
    int32_t refresh
    int32_t refresh_bank
    int32_t sync_read
    int32_t sync_write
    int32_t pim_precharge

cdef struct Channel:
    Timing *timing
    Names names
    int32_t n_banks
    int32_t n_words
    int32_t banks_per_standby
    int32_t standby_shift   # the same as a power of two
    int32_t n_standby
    int32_t refresh_scope
    int32_t read_latency    # ticks from command to end of data
    int32_t write_latency
    int32_t burst_ticks
    int32_t half_ticks      # commands start on whole clocks, odd ticks, but for those of the falling edge
    int32_t *open_row
    int32_t *row_uses
    int32_t *open_banks     # by standby unit
    int64_t *standby_since
    int32_t dual            # banks have a second row buffer
    int32_t *pim_row        # open_row where they have not
    int32_t *pim_open_banks
    int64_t *pim_since
    uint64_t open_mask[8]
    int64_t counts[66]
    int64_t *buckets        # read latency histogram
    int64_t last_answer     # tick at which the last read so far has its data, or the last write was taken
    EventLog log            # code: command, unit: bank, place: row, detail: column

cdef inline void _open(Channel *channel, int32_t bank, int32_t row, int64_t now) noexcept nogil:
    cdef int32_t unit = bank >> channel.standby_shift
    if channel.open_row[bank] == CLOSED:
        if channel.open_banks[unit] == 0:
            channel.counts[N_CLOSED_STANDBY] += now - channel.standby_since[unit]
            channel.standby_since[unit] = now
        channel.open_banks[unit] += 1
        channel.open_mask[bank >> 6] |= (<uint64_t> 1) << (bank & 63)
    channel.open_row[bank] = row
    channel.row_uses[bank] = 0

cdef inline void _close(Channel *channel, int32_t bank, int64_t now) noexcept nogil:
    cdef int32_t unit = bank >> channel.standby_shift
    if channel.open_row[bank] != CLOSED:
        channel.open_row[bank] = CLOSED
        channel.open_banks[unit] -= 1
        channel.open_mask[bank >> 6] &= ~((<uint64_t> 1) << (bank & 63))
        if channel.open_banks[unit] == 0:
            channel.counts[N_OPEN_STANDBY] += now - channel.standby_since[unit]
            channel.standby_since[unit] = now

cdef inline void _open_pim(Channel *channel, int32_t bank, int32_t row, int64_t now) noexcept nogil:
    cdef int32_t unit = bank >> channel.standby_shift
    if channel.pim_row[bank] == CLOSED:
        if channel.pim_open_banks[unit] == 0:
            channel.counts[N_PIM_CLOSED_STANDBY] += now - channel.pim_since[unit]
            channel.pim_since[unit] = now
        channel.pim_open_banks[unit] += 1
    channel.pim_row[bank] = row

cdef inline void _close_pim(Channel *channel, int32_t bank, int64_t now) noexcept nogil:
    cdef int32_t unit = bank >> channel.standby_shift
    if channel.pim_row[bank] != CLOSED:
        channel.pim_row[bank] = CLOSED
        channel.pim_open_banks[unit] -= 1
        if channel.pim_open_banks[unit] == 0:
            channel.counts[N_PIM_OPEN_STANDBY] += now - channel.pim_since[unit]
            channel.pim_since[unit] = now

cdef inline void issue_command(
    Channel *channel, int32_t number, int32_t bank, int32_t row, int32_t column, int64_t now
) noexcept nogil:
    # Issue a command at tick `now`: timing, row state of every bank that it reaches, counts, log.
    cdef const Command *command = channel.timing.commands + number
    cdef int32_t first, last, other
    issue(channel.timing, number, bank, now)
    channel.counts[N_COMMANDS + number] += 1
    first = bank & -command.span
    last = first + command.span
    if command.row == ROW_OPEN:
        for other in range(first, last):
            _open(channel, other, row, now)
    elif command.row == ROW_HALF_OPEN:
        _open(channel, bank, HALF_OPEN, now)
    elif command.row == ROW_CLOSE:
        for other in range(first, last):
            _close(channel, other, now)
    elif command.data:
        channel.row_uses[bank] += 1
        channel.counts[N_DATA_TICKS] += channel.burst_ticks
        if command.auto_precharge:
            for other in range(first, last):
                _close(channel, other, now)
    elif command.row == PIM_ROW_OPEN:
        for other in range(first, last):
            _open_pim(channel, other, row, now)
    elif command.row == PIM_ROW_CLOSE:
        for other in range(first, last):
            _close_pim(channel, other, now)
    if channel.log.enabled:
        log_event(&channel.log, now, number, bank, row, column)

cdef inline void answer(Channel *channel, int64_t tick) noexcept nogil:
    if tick > channel.last_answer:
        channel.last_answer = tick

cdef inline void count_read_latency(Channel *channel, int64_t arrival, int64_t end) noexcept nogil:
    # Exact buckets up to EXACT_BUCKETS, then 64 to each doubling.
    cdef int64_t ticks = end - arrival, bucket = end - arrival, scale = 0
    answer(channel, end)
    channel.counts[N_READ_LATENCY] += ticks
    channel.counts[N_LATENCIES] += 1
    if ticks >= EXACT_BUCKETS:
        while (ticks >> scale) >= 128:
            scale += 1
        bucket = EXACT_BUCKETS + (scale - 5) * 64 + (ticks >> scale) - 64
        if bucket >= N_BUCKETS:
            bucket = N_BUCKETS - 1
    channel.buckets[bucket] += 1

cdef Channel *new_channel(table) except NULL
cdef void free_channel(Channel *channel) noexcept
cdef void reset_channel(Channel *channel) noexcept nogil
cdef bint same_rows(const Channel *one, const Channel *other, int32_t enough_uses) noexcept nogil
cdef void copy_rows(const Channel *source, Channel *target) noexcept nogil
cdef void settle_standby(Channel *channel, int64_t now) noexcept nogil
cdef int64_t close_and_refresh(Channel *channel, int64_t tick, int64_t refresh_ticks) noexcept nogil
