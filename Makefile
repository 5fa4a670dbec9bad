# make run          compare the bundled model with its int8 and uint8 versions
# make unlock       remove the lock that a killed run has left
# make test         run the fast tests, which cover all that a change can break
# make test-all     run all tests, also those that are slow or need a browser, qemu, valgrind or
#                   TensorFlow
# make soak         run all trials of faults and hostile input; their counts go to docs/reliability.md
# make report       write report.html and report.zip of the default run
# make lint         check format and code as CI does
# make bench        measure time and memory (needs real CIFAR-10)
# make convert      add TensorFlow to .venv, to convert Keras models (1.3 GB)
# make cluster      set .venv-cluster up, for SLURM and files in S3 (see docs/cluster.md)
# make openvino     set .venv-openvino up, to measure with OpenVINO (see docs/how-to.md)
# make emulator     set qemu up with onnxruntime for ARM, for `snakemake emulate` (see docs/emulation.md)
# make reproduce    compare MLPerf Tiny's ResNet8 on CIFAR-10 with the published results
# make audit        look for known vulnerabilities in the locks (needs a network)
# make sbom         write the bill of materials of a release (CycloneDX)
# make docs         write the tables of config/README.md from the schemas
# make lock         pin all packages again after a change in pyproject.toml (needs uv)
#
# Targets that need packages first set up .venv, if it is missing or older than requirements.lock, and
# add what tests need.

# onnxruntime would look a host up at its import.
export ORT_DISABLE_TELEMETRY ?= 1

PYTHON ?= python3
CORES ?= 4
RUN = .venv/bin/python -m
# The locks are complete: what a package asks for besides is overridden in pyproject.toml.
INSTALL = $(RUN) pip install --quiet --disable-pip-version-check --require-hashes --no-deps

.PHONY: run unlock test test-rest test-all soak report lint format bench lock convert cluster openvino \
	emulator reproduce audit sbom docs

run: .venv/installed
	@test -z "$$(ls .snakemake/locks 2>/dev/null)" || { echo "error: .snakemake/locks: another \
	run works here, or one was killed; in the second case type: make unlock run"; exit 1; }
	$(RUN) snakemake --cores $(CORES) all

unlock: .venv/installed
	$(RUN) snakemake --unlock

# All tests of a file run on one worker, so its fixtures are made once.
PYTEST = $(RUN) pytest -n auto --dist loadfile --no-loadscope-reorder
REST = browser or conversion or emulator or openvino or slow or valgrind

test: .venv/tests
	$(PYTEST) -m "not ($(REST) or soak)"

test-rest: .venv/tests .venv/converts .venv-cluster/installed .venv-openvino/installed
	@PYTHON=.venv/bin/python tools/emulator.sh || echo "Tests under qemu are skipped."
	$(PYTEST) -m "($(REST)) and not soak"

test-all: test test-rest soak

soak: .venv/tests
	$(RUN) pytest -n auto --dist worksteal --reliability docs/reliability.md tests/faults \
		tests/unit/report/figures/test_figures.py::test_figures_of_42_models_with_long_names_are_whole \
		"tests/models/test_drawn_graphs.py::test_drawn_graphs[2000]"

report: run
	$(RUN) snakemake --report report.html
	$(RUN) snakemake --report report.zip
	@echo "The report: $(CURDIR)/report.html; the same as a folder: $(CURDIR)/report.zip"

lint: .venv/tests
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	.venv/bin/snakefmt --check Snakefile workflow
	$(RUN) snakemake --lint

format: .venv/tests
	$(RUN) ruff check --fix .
	$(RUN) ruff format .
	.venv/bin/snakefmt Snakefile workflow

bench: .venv/tests
	$(RUN) benchmarks.against_script
	$(RUN) benchmarks.calibration_memory
	$(RUN) benchmarks.sweep
	$(RUN) benchmarks.full_size peaks
	$(RUN) benchmarks.full_size images --shards 1 4

convert: .venv/converts

cluster: .venv-cluster/installed

openvino: .venv-openvino/installed

emulator: .venv/installed
	@PYTHON=.venv/bin/python tools/emulator.sh

# More configuration: make reproduce CONFIG=my_paths.yaml
reproduce: .venv/converts
	$(RUN) snakemake --cores $(CORES) all results/reproduction.md --configfile config/cifar10.yaml $(CONFIG)

AUDIT = .venv-tools/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off
SBOM = PYTHONWARNINGS=ignore .venv-tools/bin/cyclonedx-py requirements --pyproject pyproject.toml \
	--output-reproducible

audit: .venv-tools/installed
	@$(AUDIT) --requirement requirements-test.lock --requirement requirements-convert.lock && \
	$(AUDIT) --requirement requirements-cluster.lock && \
	$(AUDIT) --requirement requirements-openvino.lock || { echo \
	"error: audit: a package has a known vulnerability, or the advisory service could not be asked"; exit 1; }

sbom: .venv-tools/installed
	$(SBOM) --output-file sbom.json requirements.lock
	$(SBOM) --output-file sbom-convert.json requirements-convert.lock
	$(SBOM) --output-file sbom-cluster.json requirements-cluster.lock
	$(SBOM) --output-file sbom-openvino.json requirements-openvino.lock

docs: .venv/installed
	PYTHONPATH=workflow/scripts .venv/bin/python docs/config_tables.py

COMPILE = uv pip compile --universal --python-version 3.11 --no-strip-extras --generate-hashes \
	--no-emit-index-url --quiet

# Tests run with what each lock installs, hence the constraint on the others. botocore, which the S3
# plugin needs, refuses the locked version of python-dateutil.
lock:
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --group test --constraint requirements.lock --output-file requirements-test.lock
	$(COMPILE) --group tools --output-file requirements-tools.lock
	$(COMPILE) pyproject.toml --group convert --constraint requirements-test.lock --output-file requirements-convert.lock
	sed -n '/^python-dateutil/d; s/^\([a-z].*\) \\$$/\1/p' requirements-test.lock > .constraints
	$(COMPILE) pyproject.toml --group cluster --constraint .constraints --output-file requirements-cluster.lock
	rm .constraints
	$(COMPILE) --group openvino --constraint requirements.lock --output-file requirements-openvino.lock
	printf 'numpy\nonnxruntime\n' | uv pip compile - --constraint requirements.lock --python-version 3.13 \
		--python-platform aarch64-manylinux_2_28 --no-annotate --generate-hashes --no-emit-index-url --quiet \
		--output-file requirements-emulator.lock

# Set .venv up again if its interpreter is gone, for example after a system upgrade.
ifneq ($(shell test -e .venv/bin/python && .venv/bin/python -c 'print(1)'),1)
.PHONY: .venv/installed
endif

.venv/tests: .venv/installed requirements-test.lock
	$(INSTALL) --requirement requirements-test.lock
	touch $@

.venv/converts: .venv/installed requirements-convert.lock
	$(INSTALL) --requirement requirements-convert.lock
	touch $@

# What requirements.lock has comes from .venv, through a path file. The command snakemake does not.
.venv-cluster/installed: .venv/installed requirements-cluster.lock
	rm -rf .venv-cluster
	.venv/bin/python -m venv .venv-cluster
	.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		"$$(.venv-cluster/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/workflow.pth"
	.venv-cluster/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements-cluster.lock
	printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -m snakemake "$$@"\n' > .venv-cluster/bin/snakemake
	chmod +x .venv-cluster/bin/snakemake
	touch $@

# The same, with an onnxruntime of its own, which Python finds before that of .venv.
.venv-openvino/installed: .venv/installed requirements-openvino.lock
	rm -rf .venv-openvino
	.venv/bin/python -m venv .venv-openvino
	.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		"$$(.venv-openvino/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/workflow.pth"
	.venv-openvino/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		--requirement requirements-openvino.lock
	touch $@

.venv-tools/installed: requirements-tools.lock
	rm -rf .venv-tools
	$(PYTHON) -m venv .venv-tools
	.venv-tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements-tools.lock
	touch $@

.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("error: PYTHON: %s is older than 3.11; name a newer one, as in: make run PYTHON=python3.12" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "error: $(PYTHON) has no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(INSTALL) --requirement requirements.lock
	touch $@
