# csrc/pim/newton.pxd: a controller of banks that compute: bank queues for ordinary requests, one queue for PIM.
#
# Spec:   the timing table (which says what may overlap), the policy below.
# State:  the bank queues' (csrc/dram/banked.pxd), the PIM queue, the tile or vector write that is under way.
# Rules:  NewtonSim (neupims_command_queue.cc, newton_command_queue.cc): PIM requests strictly in order and first; a
#         tile or vector write starts only when its estimated time fits before the next refresh.

from libc.stdint cimport int32_t, int64_t

from bitline.csrc.dram.banked cimport Banked
from bitline.csrc.dram.controller cimport Controller, PimRequest

cdef struct NewtonPolicy:
    int32_t transactions      # places for PIM requests before the PIM command queue
    int32_t commands          # places of the PIM command queue
    int32_t ahead             # PIM commands that are enough to let reads move first
    int32_t least_slack       # ticks to spare before a refresh below which memory commands wait for PIM
    int32_t blocked           # PIM and ordinary requests take turns
    int32_t composite         # a request's columns and results are one command
    int32_t whole_tiles       # a tile starts when all of its requests are here
    int32_t answer_at_issue   # a composite is answered as if its results were read at its issue
    int32_t precharge_guess   # ticks of the estimate for each row to close
    int32_t groups_together   # bank groups that open at once, one a rank
    int32_t window            # ticks between group activates of a rank
    int32_t to_column         # from activate to column
    int32_t row_cycle         # from precharge to activate to column
    int32_t pace              # between columns
    int32_t result_pace       # between results, in the estimate
    int32_t tree              # columns that fill the adder tree
    int32_t precharge         # tRP
    int32_t to_write          # tRCDWR
    int32_t vector_write      # tGWRITE
    int32_t close_late        # in the estimate of a vector write, for a row to be closed first

cdef struct PimNames:         # command numbers
    int32_t vector_write
    int32_t header
    int32_t activate
    int32_t close             # of a row that is open for computing
    int32_t compute
    int32_t results
    int32_t composite

cdef struct Newton:
    Banked banked             # first: what csrc/dram/banked.pyx works on
    NewtonPolicy policy
    PimNames names
    PimRequest *ring          # transactions, then commands: oldest at `head`
    int32_t size
    int32_t head
    int32_t used
    int32_t moved             # oldest ones, in the command queue
    int64_t slack             # ticks to spare before the next refresh
    int32_t skipping          # PIM waits for the refresh
    int64_t memory_at         # no memory command before this tick
    int32_t all_open_row      # row that every bank holds open for computing, where that is known
    int32_t in_tile           # a header was issued and not all of its results were read
    int32_t results_left
    int32_t columns_done      # of the request at the head, where its columns are commands of their own
    int64_t tree_full         # tick from which its result may be read
    int32_t writing_vector
    int32_t vector_bank
    int64_t vector_done
    int32_t n_groups          # bank groups of the channel
    int32_t group_banks

cdef Controller *new_newton(table, policy) except NULL
