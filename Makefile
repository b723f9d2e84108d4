# The two commands of the README. Each does all its set-up in .venv first.

PORT ?= 5000

help:
	@echo 'make chatserver [PORT=5000]   start a chat server (and say how to connect)'
	@echo 'make relayserver [PORT=5000]  start a relay: everybody hears everybody'
	@echo 'make chatclient               build c_client/chatclient'
	@echo 'make test                     run all checks and tests'
	@echo 'make clean                    remove what these have made'

chatserver: .venv/ready
	@exec .venv/bin/python -m reference.chatserver $(PORT)

relayserver: .venv/ready
	@exec .venv/bin/python -m reference.relayserver $(PORT)

chatclient:
	@$(MAKE) -C c_client chatclient

test: .venv/ready
	@.venv/bin/python tools/check.py $(NOXFLAGS)

.venv/ready: pyproject.toml tools/make_venv.sh
	@sh tools/make_venv.sh

clean:
	rm -rf .venv .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis soak
	$(MAKE) -C c_client clean

.PHONY: help chatserver relayserver chatclient test clean
