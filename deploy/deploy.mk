# SAM and cargo-lambda in a Python environment of their own, and what is done with them.
# Include it from a Makefile, after local/venv.mk, which has PYTHON.
DEPLOY_VENV ?= .venv-deploy
DEPLOY_VENV_STAMP := $(DEPLOY_VENV)/.requirements.stamp
DEPLOY_STACKS := $(DEPLOY_VENV)/bin/python -m deploy.stacks

# --no-deps: the file names every dependency, and pip then has nothing to resolve.
$(DEPLOY_VENV_STAMP): deploy/requirements.txt
	$(PYTHON) -m venv --clear $(DEPLOY_VENV)
	$(DEPLOY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --no-deps --requirement $<
	touch $@

.PHONY: deploy
deploy: $(DEPLOY_VENV_STAMP) ## Deploys the macros and then the recorder, both guided (ARCHITECTURE=x86_64)
	$(DEPLOY_STACKS) deploy $(if $(ARCHITECTURE),--architecture $(ARCHITECTURE))

.PHONY: delete
delete: $(DEPLOY_VENV_STAMP) ## Deletes the recorder and then the macros
	$(DEPLOY_STACKS) delete

.PHONY: deploy-forwarders
deploy-forwarders: $(DEPLOY_VENV_STAMP) ## Deploys what sends records on, guided (ARCHITECTURE=x86_64)
	$(DEPLOY_STACKS) deploy --forwarders $(if $(ARCHITECTURE),--architecture $(ARCHITECTURE))

.PHONY: delete-forwarders
delete-forwarders: $(DEPLOY_VENV_STAMP) ## Deletes what sends records on
	$(DEPLOY_STACKS) delete --forwarders
