# Everything the project does, one name each. `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
PORT ?= 8000
HOST ?= 127.0.0.1

# Tiny networks gain nothing from many threads each; two processes side by side do.
export OMP_NUM_THREADS ?= 1
export JUPYTER_PREFER_ENV_PATH = 1

BIN := $(VENV)/bin
# The benchmarks whose results the chapters read; where an engine to compare with is missing its rows are left out.
TABLES := learning comparison atlas detection wild extraction proof engines ten_thousand pictures stranger superposition \
	universality filters catalogue depth round_trip training
# Of these no small share can be tried.
WHOLE := wild stranger catalogue depth round_trip training
# Of these a new measurement is asked for; without it they go on where they stopped.
AGAIN := comparison catalogue round_trip wild
BOOK := $(BIN)/python scripts/book.py
READY := $(VENV)/.ready
# One command a part: the first that fails ends it.
define MEASURE
@printf '\n==> %s\n' "Measuring: $(1)"
@$(BIN)/python -m benchmarks.$(1) $(if $(SHARE),--share $(SHARE)) $(if $(filter $(AGAIN),$(1)),--again)

endef
STEP = @printf '\n==> %s\n'

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: asked claims results mutants soundness lighthouse fuzz flakes links package help install book html serve lab test chromium lint unit notebooks browser browsers lock lowest binder fresh clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY)  ## install what everything below needs, in .venv

$(READY): requirements.lock pyproject.toml scripts/bootstrap.sh scripts/book.py | asked
	$(STEP) "Installing the exact versions of requirements.lock in $(VENV) (minutes, the first time)"
	@sh scripts/bootstrap.sh venv "$(PYTHON)" "$(VENV)"
	@$(BIN)/python scripts/book.py install --venv $(VENV)
	@touch $@

# Whoever names a Python gets that one, or is told: the environment may be there already, of another.
asked:
	@$(if $(filter environment command,$(firstword $(origin PYTHON))),sh scripts/bootstrap.sh asked "$(PYTHON)" "$(VENV)",:)

book: html serve  ## execute the chapters, build the book and serve it: prints the address

notebooks: $(READY)  ## execute the chapters that changed, in a copy under build/
	$(STEP) "Executing the notebooks"
	@$(BOOK) execute --jobs $(JOBS)

html: notebooks  ## build the book from them, without serving it
	$(STEP) "Building the pages"
	@$(BOOK) build

serve: $(READY)  ## serve the pages as they were last built
	@$(BOOK) serve --host $(HOST) --port $(PORT)

lab: $(READY)  ## open the chapters in JupyterLab
# In a container everybody is root, whom JupyterLab refuses otherwise.
	$(BIN)/jupyter lab index.ipynb --LabApp.app_settings_dir=binder/lab $$(test "$$(id -u)" -ne 0 || echo --allow-root)

test: chromium lint unit html browser  ## everything that must hold: lint, tests, notebooks, pages in a browser

chromium:
	@sh scripts/bootstrap.sh chromium

lint: $(READY)  ## style and types of code and notebooks
	$(STEP) "Linting"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/nbstripout --keep-id --verify index.ipynb chapters/*.ipynb
	$(BIN)/mypy
	$(BIN)/python scripts/prose.py
	$(BIN)/python scripts/lock.py --check

unit: $(READY)  ## the package's tests and the examples in its docstrings
	$(STEP) "Testing circuitkit"
# What is timed runs alone first: a bound in seconds says what the code takes, not what runs beside it.
	$(BIN)/python -m pytest -m no_cover tests
	$(BIN)/python -m pytest -m "not no_cover" --numprocesses $(JOBS) --dist worksteal --cov

browser: $(READY) chromium  ## check every built page in headless Chromium
	$(STEP) "Checking the pages in Chromium"
	$(BIN)/python -m pytest tests/browser --numprocesses $(JOBS)

browsers: $(READY)  ## the same in Firefox and in WebKitGTK, the engine of Safari (minutes; brings them on Debian)
	@sh scripts/bootstrap.sh browsers
	$(STEP) "Checking the pages in Firefox and in WebKitGTK"
	$(BIN)/python -m pytest tests/engines --durations 0 --capture no

lighthouse: $(READY) chromium  ## how fast the built pages are, beside a plain page, with Lighthouse from npm (an hour; PAGES="index" RUNS=1 for a look)
	$(BIN)/python scripts/lighthouse.py --runs $(or $(RUNS),3) $(PAGES)

lock: $(READY)  ## refresh requirements.lock and binder/environment.yml to the newest versions
	$(BIN)/python scripts/lock.py $(LOCK_OPTIONS)

lowest: $(READY)  ## the package's tests with the lowest versions of what it needs, in build/lowest
	$(STEP) "Testing circuitkit with the lowest versions"
	@mkdir -p build
	$(BIN)/python scripts/lock.py --lowest build/lowest.txt
	$(BIN)/python -m venv --clear build/lowest
	build/lowest/bin/python -m pip install --requirement build/lowest.txt
	build/lowest/bin/python -m pip install --no-deps --editable .
	build/lowest/bin/python -m pytest --numprocesses $(JOBS)

binder: $(READY)  ## execute every chapter with exactly Binder's packages, in a gigabyte of memory
	$(STEP) "Executing the chapters as on Binder"
	@$(BIN)/python scripts/binder.py

fresh:  ## try the two commands of the README on a bare Debian in build/fresh (as root, an hour)
	$(PYTHON) scripts/fresh.py $(FRESH_OPTIONS)

claims: $(READY)  ## measure the book's claims again, from three other base seeds
	@$(BIN)/python scripts/claims.py --jobs $(JOBS)

results: $(READY)  ## measure the tables in chapters/data again (a day; PARTS="learning atlas" for some; SHARE=0.001 tries, and keeps nothing)
	$(foreach part,$(filter-out $(TABLES),$(PARTS)),$(error PARTS: expected some of $(TABLES), got $(part)))
	$(if $(SHARE),$(foreach part,$(filter $(WHOLE),$(PARTS)),$(error SHARE: expected PARTS of which a share can be tried \
		($(filter-out $(WHOLE),$(TABLES))), got $(part))))
	$(foreach part,$(or $(PARTS),$(if $(SHARE),$(filter-out $(WHOLE),$(TABLES)),$(TABLES))),$(call MEASURE,$(part)))

mutants: $(READY)  ## change one thing at a time in what speaks verdicts: do the tests notice? (hours)
	$(BIN)/python scripts/mutants.py --jobs $(JOBS)

soundness: $(READY)  ## hunt for a wrong verdict with fresh networks, for MINUTES=10
	$(BIN)/python benchmarks/soundness.py --minutes $(or $(MINUTES),10) --jobs $(JOBS)

fuzz: $(READY)  ## hostile input for every public function, INPUTS=10000 a family; goes on where it stopped
	$(BIN)/python -m benchmarks.fuzz --inputs $(or $(INPUTS),10000)

flakes: $(READY)  ## execute the chapters RUNS=20 times in random order beside LOAD=2 busy processes: does one stop now and then? (hours)
	@$(BIN)/python scripts/flakes.py --runs $(or $(RUNS),20) --seed $(or $(SEED),0) --load $(or $(LOAD),2) --jobs $(JOBS) $(CHAPTERS)

links: $(READY)  ## do the links to other sites still lead somewhere? (needs the network)
	@$(BOOK) links

package: $(READY)  ## build wheel and sdist into build/dist, check them, install and try each in a fresh environment
	$(BIN)/python scripts/package.py --version "$(VERSION)"

clean:  ## remove what was built; .venv stays
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
