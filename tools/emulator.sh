#!/usr/bin/env bash
# Set up an emulated 64-bit ARM CPU for `snakemake emulate`: qemu-aarch64, and the onnxruntime of ARM.
#
#     make emulator                # into .emulator, or the folder that EMULATOR names
#
# It takes qemu and Python from Debian 13, by the mirror, proxy and keys of this machine's apt, and
# onnxruntime and numpy by pip, with the checksums of requirements-emulator.lock. It installs nothing
# on the machine and needs no root. What a killed run has downloaded is used again.
#
#     EMULATOR         the folder (default: .emulator beside the workflow)
#     EMULATOR_MIRROR  a mirror of Debian, for a machine whose apt knows none
#     PYTHON           a Python with pip (default: python3)
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
folder=$(realpath --canonicalize-missing "${EMULATOR:-$repository/.emulator}")
lock=$repository/requirements-emulator.lock
python=${PYTHON:-python3}
release=trixie  # Debian 13: its qemu 10 is static. The 7.2 of Debian 12 crashes in onnxruntime.
version=3.13    # the Python of that release, and of the wheels

fail() { echo "error: emulator: $1" >&2; exit 1; }

for tool in apt-get apt-config dpkg-deb flock; do
    command -v "$tool" > /dev/null || fail "$tool: not found; the emulator needs Debian 12 or 13"
done
"$python" -m pip --version > /dev/null 2>&1 || fail "$python has no pip; type: make emulator, or set PYTHON"

mkdir -p "$folder"
exec 9> "$folder/.lock"
flock --nonblock 9 || fail "$folder: another run sets it up; wait for its end"
digest=$(cat "$lock" "$0" | sha256sum | cut --characters=-64)
if [ "$(cat "$folder/aarch64/digest" 2> /dev/null)" = "$digest" ]; then
    echo "$folder/aarch64: is there: $(cat "$folder/aarch64/version")"
    exit
fi

# The mirror of this machine also has the other releases of Debian.
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
origin=$(. /etc/os-release && echo "${ID:-}")
mirror=${EMULATOR_MIRROR:-}
if [ -z "$mirror" ] && [ "$origin" = debian ]; then
    mirror=$(apt-get update --print-uris | sed --quiet "s|^'\(.*\)/dists/$codename/InRelease'.*|\1|p" | head --lines=1)
fi
[ -n "$mirror" ] || fail "apt knows no mirror of Debian here; set EMULATOR_MIRROR to the address of one"
for keys in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg} ""; do [ -f "$keys" ] && break; done
[ -n "$keys" ] || fail "Debian's keys are missing; type: apt-get install debian-archive-keyring"

# An apt of our own: it knows this machine's ways to the network, and nothing of its packages.
apt=$folder/.apt
machine=$(dpkg --print-architecture)
mkdir -p "$apt"/{etc/{apt.conf,preferences,sources.list,trusted.gpg}.d,state/lists/partial,cache/archives/partial}
echo "deb [signed-by=$keys] $mirror $release main" > "$apt/etc/sources.list"
: > "$apt/status"
{
    apt-config dump | grep '^Acquire::' || true
    cat << END
Dir::Etc "$apt/etc";
Dir::Etc::Netrc "/etc/apt/auth.conf";
Dir::Etc::NetrcParts "/etc/apt/auth.conf.d";
Dir::State "$apt/state";
Dir::State::Status "$apt/status";
Dir::Cache "$apt/cache";
APT::Architecture "arm64";
APT::Architectures { "arm64"; "$machine"; };
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Update::Error-Mode "any";
END
} > "$apt/apt.conf"
export APT_CONFIG=$apt/apt.conf
get() {
    apt-get -qq "$@" > "$folder/.log" 2>&1 ||
        fail "apt-get $1: $(grep --max-count=1 '^E:' "$folder/.log" || tail --lines=1 "$folder/.log")"
}

echo "qemu and Python of Debian $release"
get update
get install --yes --download-only "python$version:arm64" libstdc++6:arm64
(cd "$apt/cache/archives" && get download "qemu-user:$machine")

new=$folder/.new
rm -rf "$new"
mkdir -p "$new/debian/usr/lib" "$new/qemu"
ln -s usr/lib "$new/debian/lib"  # where programs look for their loader
for package in "$apt"/cache/archives/*.deb; do
    case $package in
        */qemu-user_*) dpkg-deb --extract "$package" "$new/qemu" ;;
        *) dpkg-deb --extract "$package" "$new/debian" ;;
    esac
done
mv "$new/qemu/usr/bin/qemu-aarch64" "$new/qemu-aarch64"
rm -rf "$new/qemu" "$new"/debian/usr/share/{doc,man,locale,zoneinfo}

echo "onnxruntime and numpy for aarch64"
# pip compares Requires-Python with the Python that it runs in, whatever --python-version says.
"$python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile \
    --only-binary :all: --python-version "$version" --implementation cp \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 --ignore-requires-python \
    --target "$new/site" --requirement "$lock" > "$folder/.log" 2>&1 ||
    fail "pip: $(grep --max-count=1 ERROR "$folder/.log" || tail --lines=1 "$folder/.log")"

# The first import also leaves what Python compiles.
export ORT_DISABLE_TELEMETRY=1
"$new/qemu-aarch64" -cpu max -L "$new/debian" -E PYTHONPATH="$new/site" "$new/debian/usr/bin/python$version" -c '
import numpy, onnxruntime, platform
print(platform.machine(), "Python", platform.python_version(), "onnxruntime", onnxruntime.__version__)
' > "$new/version" 2> "$folder/.log" || fail "the emulated Python does not start: $(tail --lines=1 "$folder/.log")"
echo "$digest" > "$new/digest"
rm -rf "$folder/aarch64"
mv "$new" "$folder/aarch64"
rm -rf "$apt" "$folder/.log"
echo "$folder/aarch64: $("$folder/aarch64/qemu-aarch64" --version | head --lines=1), $(cat "$folder/aarch64/version"), $(du -sm "$folder/aarch64" | cut --fields=1) MB"
