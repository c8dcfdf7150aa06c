"""Toy studies, and a browser to open their pages in."""

import importlib.util
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from bitline.plots.report.study_page import study_page

HEADLESS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900")


@pytest.fixture(scope="session")
def toys():
    """toy.py."""
    found = importlib.util.spec_from_file_location("toy_report", Path(__file__).with_name("toy.py"))
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small_record(toys):
    return toys.make_record(
        [4, 8, 16, 32], [64, 256], [1, 8], models=("gpt2", "gpt2-xl"), title="A toy", question="Which?"
    )


@pytest.fixture(scope="session")
def large_record(toys):
    """5,000 points."""
    return toys.make_record(range(4, 54), range(32, 232, 20), range(1, 11))


@pytest.fixture(scope="session")
def chromium():
    """A headless browser that tells what it loads and what it complains of."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no Chromium with its driver on the path")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in HEADLESS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(driver))
    yield running
    running.quit()


@pytest.fixture(scope="session")
def wait_for():
    """The first true value of a condition; fails where none comes."""

    def wait(condition, what, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.02)
        raise AssertionError(f"never came: {what}")

    return wait


@pytest.fixture
def device(chromium):
    """A window of a size under a colour scheme."""

    @contextmanager
    def emulated(width=1200, height=900, scheme="light"):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        feature = [{"name": "prefers-color-scheme", "value": scheme}]
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
        try:
            yield
        finally:
            chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
            chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    return emulated


@pytest.fixture
def opened(chromium, wait_for, tmp_path):
    """Open a page and wait until it stands; then its browser, whose logs begin with this page."""

    def open_page(content):
        file = tmp_path / "report.html"
        file.write_bytes(content if isinstance(content, bytes) else study_page(content))
        for kind in ("browser", "performance"):
            chromium.get_log(kind)
        chromium.get(file.as_uri())
        wait_for(lambda: chromium.execute_script("return performance.getEntriesByName('ready').length"), "the page")
        return chromium

    yield open_page
    chromium.execute_script("localStorage.clear()")
