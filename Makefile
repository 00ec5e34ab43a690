# SPDX-License-Identifier: GPL-3.0-or-later
# What can be done in a checkout: `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
INVENTORY ?= inventories/lab
EXTRA ?=
STEPS ?=
BENCH ?=

venv := .venv
bin := $(CURDIR)/$(venv)/bin
# Ansible finds a collection by its path; this one leads back to the checkout.
collection := .collections/ansible_collections/evolve/vm
lab := $(if $(filter inventories/lab,$(patsubst %/,%,$(INVENTORY))),lab)
sudo := $(if $(filter-out 0,$(shell id -u)),sudo)
# An environment that was made elsewhere (the checkout was moved) or has lost its Python is made anew.
made_in := $(shell $(bin)/python -c 'print(open("$(venv)/made-in").read())' 2>/dev/null)
stale := $(if $(filter $(CURDIR),$(made_in)),,FORCE)

pip := $(bin)/python -m pip -qq --disable-pip-version-check
playbook := ANSIBLE_CONFIG=$(CURDIR)/ansible.cfg $(bin)/ansible-playbook -i $(INVENTORY)
pytest := PATH="$(bin):$$PATH" $(bin)/python -m pytest
# SECONDS is the clock of the recipe's own shell.
done = printf '  %-60s %4d s\n' $(1) "$$SECONDS"

.PHONY: help
help: ## list what can be done
	@printf 'evolve.vm breeds better virtual-machine configurations.\n\n'
	awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	printf '\nSettings:\n'
	printf '  INVENTORY=%-22s %s\n' '$(INVENTORY)' 'the estate; inventories/simulation needs no virtual machine and no root'
	printf '  EXTRA=%-26s %s\n' '"-e evolve_seed=7"' 'more arguments of ansible-playbook for `make evolve`'
	printf '  STEPS=%-26s %s\n' 'mypy' 'only these steps of `make lint`'
	printf '  BENCH=%-26s %s\n' '"--searchers guided"' 'only these searches of `make bench-search`; --help lists more'
	printf '  BENCH=%-26s %s\n' '"overhead --scale 0.1"' 'only this scenario of `make bench-scheduling`, with trials ten times as quick'
	printf '  PYTHON=%-25s %s\n' '$(PYTHON)' 'Python 3.11 or newer for .venv'

# --- breeding ---------------------------------------------------------------------------------------------------------

.PHONY: evolve
evolve: $(venv)/runtime ## breed a configuration; the default inventory builds a lab of real machines first
	@$(if $(lab),$(playbook) playbooks/lab.yml $(EXTRA))
	$(playbook) playbooks/evolve.yml $(EXTRA)

# --- set-up -----------------------------------------------------------------------------------------------------------

.PHONY: setup
setup: $(venv)/development ## prepare .venv for work on the collection; the other targets do what they need by themselves

FORCE:

$(venv)/made-in: $(stale)
	@SECONDS=0
	if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
	  echo "evolve.vm needs Python 3.11 or newer; \`$(PYTHON)\` is $$($(PYTHON) --version 2>&1 || true)."
	  echo "Install one and name it: make PYTHON=python3.12 ..."
	  exit 1
	fi >&2
	if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then
	  package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
	  $(call debian,$$package)
	fi
	$(PYTHON) -m venv --clear $(venv)
	printf '%s' '$(CURDIR)' >$@
	$(call done,'Python environment .venv')

$(venv)/runtime: requirements.txt $(venv)/made-in | $(collection)
	@SECONDS=0
	$(pip) install -r requirements.txt
	touch $@
	$(call done,'Python packages to run: requirements.txt')

$(venv)/development: tests/requirements.txt $(venv)/runtime
	@SECONDS=0
	$(pip) install -r requirements.txt -r tests/requirements.txt
	touch $@
	$(call done,'Python packages to test: tests/requirements.txt')

$(venv)/libvirt: tests/requirements-libvirt.txt $(venv)/development | packages
	@SECONDS=0
	$(pip) install -r tests/requirements-libvirt.txt
	touch $@
	$(call done,'libvirt for Python: tests/requirements-libvirt.txt')

# The releases of ansible-core that the collection promises besides the one in .venv.
cores := 2.17 2.18

.PHONY: cores
cores: $(cores:%=.cache/core-%/ready) ## prepare the older releases of ansible-core, for the tests of whole studies

.cache/core-%/ready: tests/requirements-core-%.txt requirements.txt $(venv)/made-in
	@SECONDS=0
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip -qq --disable-pip-version-check install -r $< -r <(grep -v '^ansible-core==' requirements.txt)
	touch $@
	$(call done,'ansible-core $*: $<')

.PHONY: torch
torch: $(venv)/torch ## install PyTorch, for the tests of the surrogate of that name

$(venv)/torch: tests/requirements-torch.txt $(venv)/development
	@SECONDS=0
	$(pip) install -r tests/requirements-torch.txt
	touch $@
	$(call done,'PyTorch: tests/requirements-torch.txt')

$(collection):
	@mkdir -p $(@D)
	ln -sfn ../../.. $@

# Installs those of the named Debian packages that are missing, as root or through sudo.
define debian
  missing=
  for name in $(1); do
    [ "$$(dpkg-query -W -f '$${db:Status-Status}' "$$name" 2>/dev/null)" = installed ] || missing+=" $$name"
  done
  if [ -n "$$missing" ]; then
    mkdir -p .cache
    if ! { $(sudo) apt-get -q update && $(sudo) env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
           -o DPkg::Lock::Timeout=300 install --no-install-recommends $$missing; } >.cache/apt.log 2>&1; then
      tail -n 20 .cache/apt.log
      echo "Debian packages that are missing could not be installed. As root: apt-get install$$missing"
      exit 1
    fi >&2
    $(call done,"Debian packages:$$missing")
  fi
endef

# From here on in a recipe no package starts its server: those of the tests run on sockets of their own.
define without_services
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    trap '$(sudo) rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' | $(sudo) install -m 755 /dev/stdin /usr/sbin/policy-rc.d
  fi
endef

# --- gates ------------------------------------------------------------------------------------------------------------

.PHONY: test
test: test-unit test-simulation test-lab ## run all tests

.PHONY: test-unit
test-unit: $(venv)/libvirt ## tests of single parts
	@$(pytest) -n 2 tests/unit

.PHONY: test-simulation
test-simulation: $(venv)/development cores ## whole studies without virtual machines, from the checkout and from the built artefact
	@$(pytest) -n 2 tests/simulation tests/artefact

.PHONY: test-lab
test-lab: $(venv)/libvirt ## the lab and everything that needs real virtual machines
	@$(pytest) tests/lab

.PHONY: test-long
test-long: $(venv)/libvirt ## what takes too long for every change, such as agents installed in real guests
	@$(pytest) -m long tests/unit tests/lab

.PHONY: packages
packages:
	@SECONDS=0
	$(call debian,$$(sed 's/#.*//' packages.txt))
	$(without_services)
	$(call debian,$$(sed 's/#.*//' tests/packages.txt))

.PHONY: lint
lint: $(venv)/development ## check style, types, documentation and licences, and run ansible-test sanity
	@$(call debian,shellcheck)
	$(bin)/python tests/tools/lint.py $(STEPS)

.PHONY: format
format: $(venv)/development ## put the Python files into the form `make lint` wants
	@$(bin)/ruff check --quiet --fix-only
	$(bin)/ruff format

.PHONY: build
build: $(venv)/runtime ## build the collection artefact
	@$(bin)/ansible-galaxy collection build --force

.PHONY: bench
bench: $(venv)/development ## run the benchmarks of tests/benchmark
	@$(pytest) -q -s tests/benchmark

.PHONY: fuzz
fuzz: $(venv)/libvirt ## give every parser of benchmark outputs 100,000 damaged ones
	@EVOLVE_FUZZ_ROUNDS=100000 $(pytest) -n 2 -k 'damage' tests/unit/plugins/module_utils/benchmarks

.PHONY: bench-crashes
bench-crashes: $(if $(findstring --lab,$(BENCH)),$(venv)/libvirt,$(venv)/development) ## kill the controller of a study at 100 moments and see whether anything is lost; BENCH=--lab does it on real machines
	@PYTHONPATH=.collections $(bin)/python -m ansible_collections.evolve.vm.tests.benchmark.crashes $(BENCH)

.PHONY: bench-search
bench-search: $(venv)/development .cache/peers/ready .cache/peers-mlos/ready ## compare the search with those people use instead; results go to docs/benchmarks
	@search=ansible_collections.evolve.vm.tests.benchmark.search
	export PYTHONPATH=.collections
	$(bin)/python -m $$search run $(BENCH)
	.cache/peers/bin/python -m $$search report

.PHONY: bench-scheduling
bench-scheduling: $(venv)/development .cache/peers/ready ## measure how busy a study keeps its slots; results go to docs/benchmarks
	@$(call debian,$$(sed -n '/^postgresql/s/ .*//p' tests/packages.txt))
	scheduling=ansible_collections.evolve.vm.tests.benchmark.scheduling
	export PYTHONPATH=.collections
	$(bin)/python -m $$scheduling run $(BENCH)
	.cache/peers/bin/python -m $$scheduling report

# The peers' packages, apart from ours; mlos-core cannot live with the others.
.cache/peers/ready: tests/benchmark/search/requirements.txt
.cache/peers-mlos/ready: tests/benchmark/search/requirements-mlos.txt
.cache/peers%ready:
	@SECONDS=0
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip -qq --disable-pip-version-check install -r $<
	touch $@
	$(call done,'Python packages of the peers: $<')

# --- tidying ----------------------------------------------------------------------------------------------------------

lab_directory := $(or $(EVOLVE_LAB_DIRECTORY),/var/lib/evolve-lab)

.PHONY: clean
clean: $(if $(wildcard $(lab_directory)),$(venv)/runtime) ## remove the lab, .venv and all caches; results of studies stay
	@if [ -e $(lab_directory) ]; then
	  echo '  removing the lab: its virtual machines, network and $(lab_directory)'
	  $(playbook) playbooks/lab.yml -e lab_state=absent $(EXTRA)
	fi
	for made in .venv .cache .collections .ansible .hypothesis *.tar.gz; do
	  if [ -e "$$made" ]; then echo "  removing $$made"; rm -rf "$$made"; fi
	done
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	if [ -e evolve ]; then echo '  kept: evolve (results of studies)'; fi
