import pytest

from bitline.base.errors import TraceError
from bitline.traces import read_trace
from bitline.traces.scale_sim import read_topology, topology_trace

CONV_HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
GEMM_HEADER = "Layer, M, N, K,\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="net.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_a_convolution_is_a_product_of_pixels_windows_and_filters(write):
    # ResNet-50's first layer on its padded input (what the stride meets of it): 112 x 112 pixels, 7 x 7 x 3 window
    (layer,) = read_topology(write(CONV_HEADER + "Conv1, 229, 229, 7, 7, 3, 64, 2,\n"))
    assert (layer.name, layer.m, layer.n, layer.k, layer.batch) == ("Conv1", 112 * 112, 64, 147, 1)
    assert layer.input_elements == 229 * 229 * 3


def test_an_edge_that_the_stride_does_not_meet_gives_a_pixel_more(write):
    # SCALE-Sim: ceil((input - filter + stride) / stride)
    (layer,) = read_topology(write(CONV_HEADER + "c, 6, 8, 3, 3, 1, 1, 2,\n"))
    assert layer.m == 3 * 4


def test_depth_wise_is_a_product_for_each_channel(write):
    (layer,) = read_topology(write(CONV_HEADER + "DP1, 10, 10, 3, 3, 32, 1, 1,\n"))
    assert (layer.m, layer.n, layer.k, layer.batch) == (64, 1, 9, 32)
    (operator,) = topology_trace(write(CONV_HEADER + "DP1, 10, 10, 3, 3, 32, 1, 1,\n")).operators()
    assert operator.heads == 32
    assert operator.flops == 2 * 64 * 9 * 32


def test_products(write):
    layers = read_topology(write(GEMM_HEADER + "a, 100, 70, 50,\n\nb,32,32,64\nc, 8, 8, 8, 4,\n"))
    assert [(layer.m, layer.n, layer.k, layer.batch) for layer in layers] == [
        (100, 70, 50, 1),
        (32, 32, 64, 1),
        (8, 8, 8, 4),
    ]


def test_dense_sparsity_is_accepted(write):
    assert len(read_topology(write(GEMM_HEADER + "a, 1, 2, 3, 1:1,\n"))) == 1
    assert len(read_topology(write(CONV_HEADER + "c, 6, 8, 3, 3, 1, 1, 2, 1:1,\n"))) == 1
    assert len(read_topology(write(CONV_HEADER.replace("\n", " Sparsity,\n") + "c, 6, 8, 3, 3, 1, 1, 2, 4:4\n"))) == 1


def test_byte_order_marks_carriage_returns_and_several_commas(write):
    assert len(read_topology(write(b"\xef\xbb\xbfLayer,M,N,K,,\r\na,1,2,3,,\r\n"))) == 1


@pytest.mark.parametrize(
    ("text", "line", "field", "says"),
    [
        (GEMM_HEADER + "a, 1, 2,\n", 2, None, "has 3 values; expected a name and 3 numbers"),
        (GEMM_HEADER + "a, 1, 2, 3,\n\nb, 1, x, 3,\n", 4, "n", "'x' is no size"),
        (GEMM_HEADER + "a, 1, 2, -3,\n", 2, "k", "'-3' is no size"),
        (GEMM_HEADER + "a, 0, 2, 3,\n", 2, "m", "whole number from 1"),
        (GEMM_HEADER + "a, 1, 2.5, 3,\n", 2, "n", "'2.5' is no size"),
        (GEMM_HEADER + "a, 1, , 3,\n", 2, "n", "is missing"),
        (GEMM_HEADER + ", 1, 2, 3,\n", 2, "layer", "has no name"),
        (GEMM_HEADER + "a, 1, 2, 3, 2:4,\n", 2, "sparsity", "'2:4' is a sparsity that no device here has"),
        (GEMM_HEADER + "a, 1, 2, 3, 4, 5,\n", 2, None, "'5' too many"),
        (CONV_HEADER + "c, 6, 8, 3, 3, 1, 1, 2, 1:2,\n", 2, "sparsity", "expected 1:1"),
        (CONV_HEADER + "c, 6, 8, 7, 3, 1, 1, 2,\n", 2, "filter height", "larger than the input's 6"),
        (CONV_HEADER + "c, 6, 8, 3, 9, 1, 1, 2,\n", 2, "filter width", "at most 8"),
        (CONV_HEADER + "c, 6, 8, 3, 3, 1, 1,\n", 2, None, "has 7 values"),
        ("a, 1, 2, 3,\n", 1, None, "is a layer, not a header"),
        ("Layer, Rows,\na, 1,\n", 1, None, "has 2 columns"),
        (GEMM_HEADER, 1, None, "holds no layers"),
        ("", None, None, "is empty"),
        (b"Layer, M, N, K\n\xff, 1, 2, 3\n", None, None, "is not UTF-8"),
    ],
)
def test_a_bad_file_is_one_clear_error(write, text, line, field, says):
    path = write(text)
    with pytest.raises(TraceError) as caught:
        topology_trace(path)
    assert caught.value.file == str(path)
    assert caught.value.line == line
    assert caught.value.field == field
    assert says in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(TraceError, match="cannot be read"):
        read_topology(tmp_path / "none.csv")


def test_sizes_beyond_what_can_be_counted(write):
    with pytest.raises(TraceError, match="counts beyond"):
        topology_trace(write(GEMM_HEADER + "a, 999999999999, 999999999999, 999999999999,\n"))


def test_the_trace_can_be_written_and_read(write, tmp_path):
    trace = topology_trace(write(GEMM_HEADER + "fc 1, 100, 70, 50,\nfc 1, 32, 32, 64,\nb, 8, 8, 8, 4,\n"), "int8")
    operators = trace.operators()
    assert [operator.name for operator in operators] == ["fc_1", "fc_1.2", "b"]
    assert [operator.dependencies for operator in operators] == [(), (0,), (1,)]
    assert operators[0].weight_bytes == 70 * 50
    assert operators[0].accumulator_dtype == "int32"
    trace.write(tmp_path / "trace.json")
    assert read_trace(tmp_path / "trace.json").operators() == operators
