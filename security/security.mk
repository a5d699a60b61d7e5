# checkov and parliament in a Python environment of their own.
# Include it from a Makefile, after local/venv.mk, which has PYTHON.
SECURITY_VENV ?= .venv-security
SECURITY_VENV_STAMP := $(SECURITY_VENV)/.requirements.stamp

# --no-deps: the file names every dependency, and pip then has nothing to resolve.
$(SECURITY_VENV_STAMP): security/requirements.txt
	$(PYTHON) -m venv --clear $(SECURITY_VENV)
	$(SECURITY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --no-deps --requirement $<
	touch $@

# The tests look for the environment there.
export SECURITY_VENV
