"""The PIM-GPT study: eight models, 1024 tokens each, and what ASIC clock and channels are worth.

Prints Markdown tables. `--quick` generates 16 tokens instead of 1024.
"""

import argparse

import bitline
from bitline.sim.validate.systems import system_metrics

MODELS = (
    "gpt2",
    "gpt2-medium",
    "gpt2-large",
    "gpt2-xl",
    "gpt3-125m",
    "gpt3-350m",
    "gpt3-760m",
    "gpt3-1.3b",
)
CLOCKS_MHZ = (1000, 500, 200, 100)
CHANNELS = (8, 16, 32, 64)
BASELINES = {"t4": ("T4", (41, 137), (339, 1085)), "xeon-6154": ("Xeon Gold 6154", (631, 1074), (890, 1632))}


def table(headings, rows):
    """A Markdown table."""
    print("| " + " | ".join(headings) + " |")
    print("|" + "---|" * len(headings))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def generated(model, tokens):
    """One row: a whole generation."""
    result = bitline.run("pim-gpt", model=model, phase="generate", prompt=1, tokens=tokens)
    found = system_metrics(result)
    return result, (
        model,
        f"{result.time_per_token_s * 1e6:.0f}",
        f"{result.time_s / result.bound_time_s:.2f}",
        f"{100 * found['row_hit_rate']:.2f}",
        f"{100 * found['share_of_other_work']:.1f}",
        f"{found['traffic_saved']:.0f}",
        f"{result.energy_j / result.tokens * 1e3:.2f}",
    )


def energy(result):
    """One row: where the energy of a token goes, in percent."""
    return [f"{100 * part / result.energy_j:.1f}" for part in result.energy_parts_j.values()]


def decode_us(model, **settings):
    """Time of a token at context 1024."""
    return bitline.run("pim-gpt", model=model, context=1024, settings=settings).time_s * 1e6


def main():
    """Run and print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    tokens = 16 if parser.parse_args().quick else 1024

    results = {}
    rows = []
    for model in MODELS:
        results[model], row = generated(model, tokens)
        rows.append(row)
    print(f"## {tokens} tokens, prompt 1, 8 channels, ASIC at 1 GHz\n")
    columns = ("model", "us a token", "times the bank-level bound", "row hits %", "work outside the banks %")
    table((*columns, "bytes read / bytes over the pins", "mJ a token"), rows)

    print("## Energy of a token by part, %\n")
    parts = results[MODELS[0]].energy_parts_j
    table(("model", *parts), [(model, *energy(result)) for model, result in results.items()])

    print("## ASIC clock: time of a token at context 1024, against 1 GHz\n")
    rows = []
    for model in MODELS:
        times = [decode_us(model, **{"asic.clock_mhz": clock}) for clock in CLOCKS_MHZ]
        rows.append((model, *(f"{time / times[0]:.2f}" for time in times)))
    table(("model", *(f"{clock} MHz" for clock in CLOCKS_MHZ)), rows)

    print("## Channels: speed of a token at context 1024, against 8 channels\n")
    rows = []
    for model in MODELS:
        times = [decode_us(model, **{"memory.channels": channels}) for channels in CHANNELS]
        rows.append((model, *(f"{times[0] / time:.2f}" for time in times)))
    table(("model", *(str(channels) for channels in CHANNELS)), rows)

    print("## Beside processors at the bound level\n")
    rows = []
    for name, (title, speed, joules) in BASELINES.items():
        for model in MODELS:
            bound = bitline.run(name, model=model, phase="generate", prompt=1, tokens=tokens, level="bound")
            result = results[model]
            rows.append(
                (
                    model,
                    title,
                    f"{bound.time_s / result.time_s:.1f}",
                    f"{speed[0]} to {speed[1]}",
                    f"{bound.energy_j / result.energy_j:.0f}",
                    f"{joules[0]} to {joules[1]}",
                )
            )
    table(("model", "processor", "times as fast", "published", "times less energy", "published"), rows)


if __name__ == "__main__":
    main()
