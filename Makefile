# make lab opens the notebooks, make test proves them; make help lists the rest.

PYTHON   ?= python3
KERNEL   ?= gonb
LAB_ARGS ?=
NOTEBOOK ?=
MUTANT   ?=
TRAIN    ?=
ID       ?=
SYMBOL   ?=
TEXT     ?=

SETUP  = $(PYTHON) kernels/setup.py --kernel $(KERNEL)
VENV   = .venv/bin/python
GOTEST = $(PYTHON) tests/gotest.py
LONG   = $(if $(TRAIN),,-skip 'Trained$$')

# A workspace or flags of yours must not change what is tested.
export GOWORK = off
export GOFLAGS = -buildvcs=false

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: index where help setup setup-test lab test vet go-test pure-test examples kernel-test setup-check notebook-test browser-test notebooks notebook lint doctor peers peers-torch bench

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

setup: ## install everything into .venv and Go's caches; the other commands call it themselves
	@$(SETUP)

setup-test:
	@$(SETUP) --with test

lab: setup ## open the notebooks in JupyterLab; LAB_ARGS=--no-browser passes flags through
	@$(PYTHON) kernels/lab.py $(LAB_ARGS)

# make test runs the library's tests on pure Go, where nothing is compiled, and the notebooks on XLA. TRAIN=1 leaves out nothing: it also runs the library's tests on XLA, those that train (Trained ends their names), the
# notebooks without their checkpoints, and the solutions.

test: setup-test vet go-test pure-test examples kernel-test setup-check notebook-test browser-test ## prove the library and run every notebook; TRAIN=1 leaves out nothing
	@echo "make test: ok$(if $(TRAIN),,; make test TRAIN=1 proves also the trainings, the library's tests on XLA, and the solutions)"

vet:
	go vet ./...

# The packages that take longest come first, so that none is left to run alone at the end.

go-test: # on XLA unless GOMLX_BACKEND names another backend: what lies above the library, with TRAIN=1 the library as well
	GOMLX_BACKEND=$${GOMLX_BACKEND:-xla:cpu} $(GOTEST) "Go" $(LONG) -timeout 20m ./tests/chapters $(if $(TRAIN),./pkg/vdm ./pkg/sampler ./pkg/guide ./...,./tests/... ./datasets/...)

pure-test: # the library without C, and so the mathematics on pure Go
	CGO_ENABLED=0 go vet ./pkg/...
	CGO_ENABLED=0 $(GOTEST) "pure Go" $(LONG) -timeout 20m ./pkg/sampler ./pkg/guide ./pkg/...

examples: # programs that import the library as a stranger's would
	@if [ -f docs/examples/go.mod ]; then set -x; go -C docs/examples vet ./... && go -C docs/examples build -o /dev/null ./...; fi

kernel-test: # jupyter-kernel-test against the kernel
	KERNEL=$(KERNEL) $(VENV) tests/unit.py tests/kernel/test_kernel.py

setup-check: # the ways in which the set-up fails and heals
	$(PYTHON) tests/unit.py tests/setup/test_setup.py

notebook-test:
	KERNEL=$(KERNEL) $(VENV) tests/unit.py tests/notebooks/test_run.py
	$(VENV) tests/notebooks/run.py --kernel $(KERNEL) --check
	$(VENV) tests/notebooks/run.py --kernel $(KERNEL) $(if $(TRAIN),--train,--no-solutions)

browser-test: # the first notebook in JupyterLab in Chromium, run; all of them, looked at
	$(VENV) tests/browser/run.py --all

notebooks: setup ## write the committed .ipynb from the .md: run, with outputs; NOTEBOOK=02 or solutions/02 only some
	$(VENV) tests/notebooks/run.py --kernel $(KERNEL) --write $(NOTEBOOK)

notebook: setup ## run a notebook from a bare kernel and write nothing: NOTEBOOK=02
	$(VENV) tests/notebooks/run.py --kernel $(KERNEL) --again --jobs 1 $(if $(TRAIN),--train) $(NOTEBOOK)

index: ## write docs/equations.md, errata.md and systems.md from docs/items.md, the tests and the notebooks
	go run ./tests/items -write

where: ## every place of an item, or the items of a function: ID=E5.14, SYMBOL=vdm.VDM.Form2, TEXT=Tweedie
	@go run ./tests/items '$(ID)$(SYMBOL)$(TEXT)'

lint: ## look over the Go code with golangci-lint
	@$(SETUP) --with lint
	.venv/bin/golangci-lint run ./...

mutants: setup ## bugs put into the mathematics one at a time: a test must fail for each; MUTANT=process only some
	go run ./tests/mutants -run '$(MUTANT)'

doctor: ## one line for each part: version, place, and whether it works or how to mend it
	@$(PYTHON) kernels/doctor.py $(KERNEL)

peers: tests/peers/.venv/made ## JAX under tests/peers, to compare with; no part of the set-up

tests/peers/.venv/made: tests/peers/requirements.txt
	$(PYTHON) -m venv tests/peers/.venv
	tests/peers/.venv/bin/pip install --quiet --require-hashes --only-binary :all: -r $<
	@touch $@

peers-torch: tests/peers/.venv/made-torch ## PyTorch next to JAX; its wheel for Linux brings 3 GB of CUDA, which nothing here uses

tests/peers/.venv/made-torch: tests/peers/requirements-torch.txt tests/peers/.venv/made
	tests/peers/.venv/bin/pip install --quiet --require-hashes --no-deps --only-binary :all: -r $<
	@touch $@

bench: peers peers-torch ## measure the speed of training and sampling, in turns with JAX and PyTorch
	go test -run '^$$' -bench 'Load|VAEStep' -benchtime 20x ./tests/bench
	go test -run '^$$' -bench 'PatchStep|Sample2D' -benchtime 10x -timeout 60m ./tests/bench
	go test -run '^$$' -bench 'Ancestral64|Quality' -benchtime 1x -timeout 20m ./tests/bench
	go test -run '^$$' -bench 'Flow' -benchtime 5x -timeout 20m ./tests/bench
