# csrc/dram/trace_text.pyx: request lines to arrays.
#
# Two forms: `LD 0x1f40` / `ST 0x1f80` (Ramulator), and `0x1f40 READ 120` / `0x1f80 WRITE 121` (DRAMsim3: address,
# operation, first cycle). Numbers are hexadecimal with 0x, else decimal. Blank lines and # comments are passed over.

from libc.stdint cimport int8_t, int64_t

FORMS = ("ramulator", "dramsim3")

cdef enum Problem:
    FINE
    NOT_A_REQUEST
    NOT_A_NUMBER
    NEGATIVE
    TOO_LARGE
    PAST_THE_END
    GOES_BACK

PROBLEMS = {
    NOT_A_REQUEST: "is not a request",
    NOT_A_NUMBER: "holds something that is not a number",
    NEGATIVE: "holds a negative number",
    TOO_LARGE: "holds a number of more than 62 bits",
    PAST_THE_END: "names an address past the memory's end",
    GOES_BACK: "goes back in time",
}

cdef enum:
    LOADS_AND_STORES = 0
    WITH_CYCLES = 1


cdef inline bint _blank(unsigned char letter) noexcept nogil:
    return letter == 32 or letter == 9 or letter == 13 or letter == 44


cdef int _number(const unsigned char *text, int64_t *at, int64_t end, int64_t *value) noexcept nogil:
    """Read a number; its end has to be a blank or the line's end."""
    cdef int64_t i = at[0], number = 0, first
    cdef unsigned char letter
    cdef int digit, base = 10
    if i < end and text[i] == 45:
        return NEGATIVE
    if i + 1 < end and text[i] == 48 and (text[i + 1] | 32) == 120:
        base = 16
        i += 2
    first = i
    while i < end and not _blank(text[i]):
        letter = text[i]
        if 48 <= letter <= 57:
            digit = letter - 48
        elif base == 16 and 97 <= (letter | 32) <= 102:
            digit = (letter | 32) - 87
        else:
            return NOT_A_NUMBER
        if number > ((<int64_t> 1 << 62) - digit) // base:
            return TOO_LARGE
        number = number * base + digit
        i += 1
    if i == first:
        return NOT_A_NUMBER
    value[0] = number
    at[0] = i
    return FINE


cdef inline int64_t _skip(const unsigned char *text, int64_t at, int64_t end) noexcept nogil:
    while at < end and _blank(text[at]):
        at += 1
    return at


cdef int _word(const unsigned char *text, int64_t *at, int64_t end, int8_t *kind) noexcept nogil:
    """Read LD, ST, READ or WRITE (any case; R, W, RD and WR too): 0 for a read, 1 for a write."""
    cdef int64_t first = at[0], i = at[0], length
    cdef unsigned char letter, second
    while i < end and not _blank(text[i]):
        i += 1
    length = i - first
    if length == 0 or length > 5:
        return NOT_A_REQUEST
    letter = text[first] | 32
    second = text[first + 1] | 32 if length > 1 else 0
    at[0] = i
    if length == 2 and ((letter == 108 and second == 100) or (letter == 114 and second == 100)):
        kind[0] = 0
    elif length == 2 and ((letter == 115 and second == 116) or (letter == 119 and second == 114)):
        kind[0] = 1
    elif (length == 4 and letter == 114 and second == 101 and (text[first + 2] | 32) == 97
          and (text[first + 3] | 32) == 100) or (length == 1 and letter == 114):
        kind[0] = 0
    elif (length == 5 and letter == 119 and second == 114 and (text[first + 2] | 32) == 105
          and (text[first + 3] | 32) == 116 and (text[first + 4] | 32) == 101) or (length == 1 and letter == 119):
        kind[0] = 1
    else:
        return NOT_A_REQUEST
    return FINE


cdef int _line(
    const unsigned char *text, int64_t at, int64_t end, int form, int64_t *address, int8_t *kind, int64_t *cycle
) noexcept nogil:
    cdef int problem
    cycle[0] = 0
    if form == LOADS_AND_STORES:
        problem = _word(text, &at, end, kind)
        if problem == FINE:
            at = _skip(text, at, end)
            problem = _number(text, &at, end, address)
    else:
        problem = _number(text, &at, end, address)
        if problem == FINE:
            at = _skip(text, at, end)
            problem = _word(text, &at, end, kind)
        if problem == FINE:
            at = _skip(text, at, end)
            problem = _number(text, &at, end, cycle)
    if problem == FINE and _skip(text, at, end) < end:
        return NOT_A_REQUEST
    return problem


def parse_lines(
    const unsigned char[::1] text, str form, int64_t size_bytes, int64_t last_cycle,
    int64_t[::1] addresses, int8_t[::1] kinds, int64_t[::1] cycles,
):
    """Parse whole lines until the text or the room in the arrays is used up.

    Returns (requests, bytes used, lines used, problem or "", line of the problem counted from 0).
    """
    cdef int64_t at = 0, end, start, n = 0, lines = 0, size = text.shape[0], room = addresses.shape[0]
    cdef int number = FORMS.index(form), problem = FINE
    cdef const unsigned char *letters
    if size == 0:
        return 0, 0, 0, "", 0
    letters = &text[0]
    with nogil:
        while at < size and n < room:
            end = at
            while end < size and letters[end] != 10:
                end += 1
            if end == size:
                break
            start = _skip(letters, at, end)
            if start < end and letters[start] != 35:
                problem = _line(letters, start, end, number, &addresses[n], &kinds[n], &cycles[n])
                if problem == FINE and addresses[n] >= size_bytes:
                    problem = PAST_THE_END
                if problem == FINE and cycles[n] < last_cycle:
                    problem = GOES_BACK
                if problem != FINE:
                    break
                last_cycle = cycles[n]
                n += 1
            at = end + 1
            lines += 1
    return n, at, lines, PROBLEMS.get(problem, ""), lines
