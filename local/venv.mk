# The project's own Python environment, made anew only when its pins change.
# Include it from a Makefile; `$(VENV_STAMP)` is what targets depend on.
PYTHON ?= python3
VENV ?= .venv
VENV_STAMP := $(VENV)/.requirements.stamp
VENV_PYTHON := $(VENV)/bin/python

# --no-deps: the file names every dependency, and pip then has nothing to resolve.
$(VENV_STAMP): local/requirements.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check \
		--require-hashes --no-deps --requirement $<
	touch $@

.PHONY: venv
venv: $(VENV_STAMP)
