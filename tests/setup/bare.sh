#!/bin/sh
# A newcomer's first minutes: clones this repository into a new folder, and makes a target there with an empty HOME.
#
#     tests/setup/bare.sh [target of make, default test] [variables of make]
#
# Afterwards nothing may lie in that HOME but the caches of Go, its tools and pip. What reaches the registries of this machine
# (certificates, proxies, mirrors) is passed through; nothing else of your environment is.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
top=$(mktemp -d)
trap 'chmod -R u+w "$top"; rm -rf "$top"' EXIT
trap 'exit 130' INT TERM
mkdir "$top/home"
git clone -q "$here" "$top/clone"

set -- "${@:-test}"
pass=$(env | sed -n 's/^\([A-Za-z_]*\)=.*/\1/p' | grep -E '^(CI|TZ|GOPROXY|GOSUMDB|GONOSUMDB|GOPRIVATE|PIP_.*|UV_.*|SSL_CERT_.*|REQUESTS_CA_BUNDLE|.*_proxy|.*_PROXY|GOMLX_BACKEND)$' || true)
for name in $pass; do
	eval "set -- \"\$@\" \"$name=\$$name\""
done
# The words with = go to env, make takes its own variables (TRAIN=1) from there just as well.
targets=
for word; do
	case $word in *=*) ;; *) targets="$targets $word" ;; esac
done
start=$(date +%s)
# shellcheck disable=SC2046,SC2086
env -i HOME="$top/home" PATH="$PATH" $(for word; do case $word in *=*) printf '%s\n' "$word" ;; esac; done) make -C "$top/clone" $targets
echo "bare: make$targets took $(($(date +%s) - start)) s"

for entry in $(cd "$top/home" && find . -mindepth 1 -maxdepth 2 | sort); do
	case $entry in
	./go | ./go/* | ./.cache | ./.cache/* | ./.config | ./.config/go) ;;
	*) echo "bare: the set-up left $entry in HOME"; exit 1 ;;
	esac
done
git -C "$top/clone" diff --stat --exit-code || { echo "bare: make$targets changed committed files"; exit 1; }
