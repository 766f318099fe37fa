# The menu of Ulysse: `make` alone shows it. Long recipes are scripts in the folder of their owner.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Where cargo builds; CI sets it to a folder that outlives its clone.
export CARGO_TARGET_DIR ?= $(CURDIR)/target

WASM_TARGET := wasm32-unknown-unknown
WASM_DIR := $(CARGO_TARGET_DIR)/wasm
WASM := $(WASM_DIR)/$(WASM_TARGET)/wasm-release/app_wasm.wasm
BUILD_WASM := cargo build --locked -p app-wasm --profile wasm-release --target $(WASM_TARGET) --target-dir $(WASM_DIR)
ULYSSE := $(CARGO_TARGET_DIR)/release/ulysse
# app-wasm is for browsers alone: together with the server it would turn features on that exclude
# each other.
WORKSPACE := --workspace --exclude app-wasm --locked
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

.PHONY: help
help: ## Show this menu
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do \
	  printf '  make %-14s %s\n' "$$name" "$$text"; done

.PHONY: run
run: need-root build ## Install what is missing, build, and run Ulysse here (as root)
	@echo '── ulysse serve (Ctrl-C ends it; VServers go on)'
	@exec $(ULYSSE) serve $(if $(CONFIG),--config $(CONFIG))

.PHONY: build
build: prepare-run toolchain site ## Build the one program: target/release/ulysse
	@echo '── Compiling the server'
	@cargo build --release --locked -p server

.PHONY: test
test: prepare-test lint build test-rust test-browser test-vm ## Install what the tests need and run all of them (as root)

.PHONY: test-rust
test-rust: prepare-test site ## Run the tests of the engine, the server and the pages (as root)
	@echo '── Rust tests'
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run $(WORKSPACE) --no-fail-fast; \
	else cargo test $(WORKSPACE) --no-fail-fast; fi

.PHONY: test-browser
test-browser: prepare-test build end2end/node_modules/.package-lock.json ## Play the story in a browser, against the real program (as root)
	@echo '── Browser suite'
	@cd end2end && ULYSSE=$(ULYSSE) node --test --test-reporter=spec tests/*.test.mjs

.PHONY: test-vm
test-vm: prepare-test build ## Run guests on Debian's own kernel in virtual machines (as root); some: SUITES='servers volume'
	@echo '── VM suite'
	@end2end/vm/run $(ULYSSE) $(SUITES)

.PHONY: bench
bench: need-root prepare-bench toolchain site ## Measure the numbers of the design beside lxc, runc, crun and nspawn (as root); some: ROWS='start idle'
	@echo '── Numbers'
	@cargo bench --locked -p server --bench numbers -- $(ROWS)

.PHONY: lint
lint: toolchain ## Check format and lints, for the server and for browsers
	@echo '── Format'
	@cargo fmt --all --check
	@echo '── Lints'
	@cargo clippy $(WORKSPACE) --all-targets -- -D warnings
	@cargo clippy --locked -p app-wasm --target $(WASM_TARGET) --target-dir $(WASM_DIR) -- -D warnings
	@cargo clippy --locked -p app-wasm --features build-form --target $(WASM_TARGET) --target-dir $(WASM_DIR) -- -D warnings

.PHONY: fmt
fmt: toolchain ## Format all Rust files
	@cargo fmt --all

.PHONY: deb
deb: prepare-deb build ## Build the Debian package: target/debian/ulysse_*.deb
	@server/debian/build-deb $(ULYSSE) target/debian

.PHONY: screenshots
screenshots: test-browser ## Take the README's pictures anew
	@cd target/screenshots && cp readme-{build,building,list,terminal,vserver}.png ../../end2end/screenshots/

.PHONY: clean
clean: ## Remove what was built, and what npm brought
	@cargo clean
	@rm -rf target/site target/debian target/screenshots app/bundler/node_modules end2end/node_modules

# ── What the targets above stand on ─────────────────────────────────────────────────────────────

.PHONY: site
site: toolchain app/bundler/node_modules/.package-lock.json
	@echo '── Compiling the pages for the browser'
	@$(BUILD_WASM) --features build-form
	@cp $(WASM) $(WASM_DIR)/build-form.wasm
	@$(BUILD_WASM)
	@echo '── Bundling the site'
	@cargo run --quiet --release --locked -p bundler -- --wasm $(WASM) --build-form-wasm $(WASM_DIR)/build-form.wasm

%/node_modules/.package-lock.json: %/package-lock.json %/package.json
	@echo '── Fetching npm packages for $*'
	@cd $* && $(NPM_CI) && touch node_modules/.package-lock.json

.PHONY: need-root
need-root:
	@[ "$$(id -u)" -eq 0 ] || { echo 'Run this as root: Ulysse makes namespaces, mounts and networks.' >&2; exit 1; }

.PHONY: prepare-run prepare-test prepare-bench prepare-deb
prepare-run prepare-test prepare-bench prepare-deb: prepare-%:
	@server/debian/packages $*

.PHONY: toolchain
toolchain:
	@server/debian/toolchain
