import itertools
import subprocess
import sys

import matplotlib
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager, get_font

from bitline.base.errors import CapacityError, OutputError, SpecError
from bitline.plots import style


def lightness(color):
    """Relative luminance (ITU-R BT.709), near enough to what a grey print shows."""
    red, green, blue = to_rgb(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def draw(size="column"):
    with style.drawing(None, size) as ax:
        ax.bar([0, 1], [2, 3], hatch="//", label="a $b name")
        ax.legend()
        ax.set_xlabel("time (ms)")
    return style.figure_of(ax)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_figure_gives_the_same_bytes(tmp_path, suffix):
    for name in ("a", "b"):
        style.save(draw(), tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_saving_one_figure_twice_changes_nothing(tmp_path):
    figure = draw()
    assert style.render(figure, ".svg") == style.render(figure, ".svg")


def test_files_carry_no_date():
    figure = draw()
    assert b"CreationDate" not in style.render(figure, ".pdf")
    assert b"<dc:date>" not in style.render(figure, ".svg")
    assert b"tIME" not in style.render(figure, ".png")


def test_pdf_embeds_truetype_fonts_and_svg_keeps_text():
    figure = draw()
    pdf = style.render(figure, ".pdf")
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"time (ms)</text>" in style.render(figure, ".svg")


def test_a_dollar_sign_is_no_formula():
    assert b"a $b name</text>" in style.render(draw(), ".svg")


def test_global_settings_are_left_alone():
    before = dict(matplotlib.rcParams)
    style.render(draw("slide"), ".png")
    assert dict(matplotlib.rcParams) == before


def test_a_users_settings_do_not_change_the_figure():
    plain = style.render(draw(), ".svg")
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30, "svg.fonttype": "path"}):
        assert style.render(draw(), ".svg") == plain


def test_given_axes_keep_their_owners_style():
    with matplotlib.rc_context({"font.size": 31.0}):
        own = Figure().add_subplot()
        with style.drawing(own, "column") as ax:
            assert ax is own
            assert matplotlib.rcParams["font.size"] == 31.0


def test_pyplot_and_display_backends_are_never_loaded():
    code = (
        "import sys; from bitline.plots import breakdown, commands, energy, style, sweep\n"
        "with style.drawing(None, 'column') as ax: ax.plot([1, 2])\n"
        "style.render(style.figure_of(ax), '.png')\n"
        "print(sorted(name for name in sys.modules if 'pyplot' in name or 'backend_tk' in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("size", "width_in"), [("column", 3.4), ("page", 7.0), ("slide", 11.0)])
def test_sizes(size, width_in):
    assert draw(size).get_size_inches()[0] == width_in


def test_a_serif_figure_is_serif_wherever_it_is_saved():
    with style.lettered("serif"):
        figure = draw()
    assert b"STIXGeneral" in style.render(figure, ".pdf")
    assert b"DejaVuSans" not in style.render(figure, ".pdf")
    assert b"STIXGeneral" not in style.render(draw(), ".pdf")


def test_an_unknown_font_has_a_suggestion():
    with pytest.raises(SpecError, match="did you mean 'serif'"), style.lettered("serrif"):
        pass


def test_what_a_label_is_written_in_is_in_both_fonts():
    for name in style.FONTS.values():
        found = get_font(fontManager.findfont(name, fallback_to_default=False)).get_charmap()
        assert {ord(letter) for letter in "µ²±%×–"} <= set(found), name


def test_any_two_areas_and_any_two_lines_differ_in_grey():
    for one, other in itertools.combinations(style.LOOKS, 2):
        assert abs(lightness(one.color) - lightness(other.color)) > 0.15 or one.hatch != other.hatch
        assert (one.dashes, one.marker) != (other.dashes, other.marker)


def test_lines_stand_out_on_white():
    assert all(lightness(look.line) < 0.75 for look in style.LOOKS)


def test_neighbouring_looks_differ_in_grey():
    for one, other in zip(style.LOOKS, style.LOOKS[1:]):
        assert abs(lightness(one.color) - lightness(other.color)) > 0.08 or one.hatch != other.hatch
    ways = {(look.color, look.hatch) for look in style.LOOKS}
    lines = {(look.dashes, look.marker) for look in style.LOOKS}
    assert len(ways) == len(lines) == len(style.LOOKS)


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"a \.png, \.svg or \.pdf"):
        style.save(draw(), tmp_path / "figure.jpg")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_size_has_a_suggestion():
    with pytest.raises(SpecError, match="did you mean 'column'"):
        style.find_size("colum")


def test_a_figure_that_no_page_holds_is_refused():
    with pytest.raises(CapacityError, match="inches high"), style.drawing(None, "column", height_in=1e4):
        pass
