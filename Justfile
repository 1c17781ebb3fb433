# Recipes of this project: `scripts/just` needs nothing but Python; an installed `just` does as well.

set positional-arguments
set shell := ["sh", "-eu", "-c"]

export PATH := justfile_directory() / ".venv/bin:" + env("PATH")

# Show the recipes
[private]
default:
    @just --list --unsorted

# Install the load tools that are missing (bench setup)
[no-exit-message]
setup *ARGS: _run
    @bench setup "$@"

# Everything: five servers, eight workloads; writes reports/RESULTS.md (half an hour on two cores, or --max-time)
[no-exit-message]
bench-all *ARGS: _run
    @bench setup --for all
    @bench run all --publish reports/RESULTS.md "$@"

# Add "Where the time goes" to the last run, and to reports/RESULTS.md (about 10 min for five servers)
[no-exit-message]
profile-all RUN="latest": _run
    @[ $# -gt 0 ] || set -- latest; bench profile --into "$1" && bench report "$1" --publish reports/RESULTS.md

# A first table: five servers, one workload, 5 short rounds (about 4 minutes once built)
[no-exit-message]
bench-quick *ARGS: _run
    @bench setup --for quick
    @bench run quick "$@"

# Run a matrix: a name in configs/ or a path (bench run)
[no-exit-message]
bench MATRIX *ARGS: _run
    @bench run "$@"

# Print the report of a run: a path, a name in reports/, or `latest`
[no-exit-message]
report RUN="latest" *ARGS: _run
    @[ $# -gt 0 ] || set -- latest; bench report "$@"

# Say what is missing or noisy on this machine, and what mends it
[no-exit-message]
doctor *ARGS: _run
    @bench doctor "$@"

# The whole test suite with coverage; starts real servers and real load tools for short windows
[no-exit-message]
test *ARGS: _dev
    @scripts/test "$@"

# Lint, format, types (for Linux and macOS), architecture, unit tests and what they cover; offline
check: _dev
    ruff check .
    ruff format --check .
    mypy
    mypy --platform darwin --cache-dir .mypy_cache/darwin
    pytest -q -n auto -m "not real and not slow" --cov --cov-report= --cov-fail-under=80

# Make the documentation a site in site/; a link or anchor that leads nowhere is an error
[no-exit-message]
docs: _docs
    @python -P -m sphinx -q -W --keep-going -E -d .venv/doctrees docs site
    @echo "docs: site/index.html"

# Write the tables of keys in docs/formats.md, from the models
formats: _dev
    @python -P scripts/formats.py

# Look for known vulnerabilities in what is pinned (asks the network)
[no-exit-message]
audit: _dev
    @scripts/audit

# Format and mend what can be mended by itself
fmt: _dev
    ruff format .
    ruff check --fix .

# Measure the harness itself: our wrk script against bare wrk
[no-exit-message]
perf *ARGS: _dev
    python -P scripts/perf.py "$@"

# Check verdicts on real servers of known cost (about 15 min)
[no-exit-message]
perf-verdicts *ARGS: _dev
    @python -P scripts/verdicts.py "$@"

# Measure paced: lateness, CPU beside wrk's, whether medians come again (about 10 min)
[no-exit-message]
perf-paced *ARGS: _dev
    @python -P scripts/perf_paced.py "$@"

# Measure how exact `bench ab` is: copies, and a server of known cost (about 35 min)
[no-exit-message]
perf-ab *ARGS: _dev
    @python -P scripts/perf_ab.py "$@"

# Find the costlier of 16 commits by `bench bisect`, and none where there is none (hours; goes on)
[no-exit-message]
perf-bisect *ARGS: _dev
    @python -P scripts/perf_bisect.py "$@"

# Search the rate of a real server of known cost: within 5 % in 5 of 5 searches (about 15 min)
[no-exit-message]
perf-capacity *ARGS: _dev
    @python -P scripts/perf_capacity.py "$@"

# Kill `bench run` by SIGKILL at random moments (100 times, about 15 min) and check what is left
chaos *ARGS: _dev
    @python -P scripts/chaos.py "$@"

# Kill a controller while a server runs on another machine (20 times): nothing may be left there
chaos-machines *ARGS: _dev
    @python -P scripts/chaos_machines.py "$@"

# What agents on other machines cost, seen with 64 on this one (about 2 min): docs/scale.md
perf-agents *ARGS: _dev
    @python -P scripts/perf_agents.py "$@"

# Rates of --machines against wrk by hand over ssh, in network namespaces (about 4 min)
perf-machines *ARGS: _dev
    @python -P scripts/perf_machines.py "$@"

# 300 trials of 50 ms: no growth of memory, descriptors or overhead (about 3 min)
soak *ARGS: _dev
    @python -P scripts/soak.py "$@"

# Feed N hostile responses (a million without N) to the engine of paced, under sanitizers
fuzz-paced N="1000000" SEED="1":
    @scripts/fuzz-paced "$@"

# Show what takes space, and remove it (bench clean)
[no-exit-message]
clean *ARGS: _run
    @bench clean "$@"

_run:
    @scripts/just --prepare run

_dev:
    @scripts/just --prepare dev

_docs:
    @scripts/just --prepare docs
