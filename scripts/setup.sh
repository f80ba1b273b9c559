#!/usr/bin/env bash
# Everything `make demo` and `make test` need: virtual environment, packages, offscreen OpenGL.
# Writes $VENV/.sag_ros_environment, which the Makefile sources before each command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
VENV=${VENV:-.venv}
# A sourced ROS installation would shine through into the environment, where pip takes it for its own.
unset PYTHONPATH

bold='' red='' plain=''
[ ! -t 2 ] || { bold=$'\033[1m' red=$'\033[1;31m' plain=$'\033[0m'; }
say() { printf '%s[setup]%s %s\n' "$bold" "$plain" "$*"; }
fail() {
    printf "$red[setup]$plain %s\n" "$@" >&2
    exit 1
}

# apt_install PACKAGE...: false when this user may not install system packages, or apt cannot.
apt_install() {
    command -v apt-get >/dev/null || return 1
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    say "installing system packages: $*"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

supported() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null </dev/null; }

# "milliseconds path" of an interpreter that can create environments. Asked for its own path: a version
# manager's shim may exist without the version behind it.
speed_and_path() {
    "$1" -c '
import ensurepip, sys, time, venv
def work():
    begin, values = time.perf_counter(), {}
    for i in range(200000):
        values[i & 255] = str(i)
    return time.perf_counter() - begin
print(round(1e4 * min(work() for _ in range(5))), sys.executable)' 2>/dev/null </dev/null
}

# 3.11 first: every pin was measured together there. Of several builds of it the quickest: one that was built
# without optimisation, as version managers do, costs the running graph a third of what Python does in it.
choose_python() {
    local candidate builds
    for candidate in ${PYTHON:-python3.11 python3 python3.12 python3.10}; do
        supported "$candidate" || continue
        if [ -n "${PYTHON:-}" ]; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
        hash -r # else only the one that was just used is listed
        # In turns, three times: other work may slow one of them down.
        builds=$(for _ in 1 2 3; do type -aP "$candidate" || true; done |
            while read -r build; do ! supported "$build" || speed_and_path "$build" || true; done)
        if [ -n "$builds" ]; then
            sort -n <<<"$builds" | head -n 1 | cut -d' ' -f2-
        else
            "$candidate" -c 'import sys; print(sys.executable)'
        fi
        return
    done
    fail "no Python 3.10, 3.11 or 3.12 found (tried: ${PYTHON:-python3.11 python3 python3.12 python3.10})." \
        "Install one (Debian, Ubuntu: apt-get install python3 python3-venv) or name it: make ... PYTHON=/path/to/python3"
}

make_environment() {
    if [ -x "$VENV/bin/python" ] && supported "$VENV/bin/python" && "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    local python version
    python=$(choose_python)
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "creating $VENV with Python $version"
    if ! "$python" -m venv --clear "$VENV" >/dev/null 2>&1; then
        # Debian splits ensurepip off into python3-venv.
        rm -rf "$VENV"
        apt_install "python$version-venv" || apt_install python3-venv ||
            fail "this Python cannot create virtual environments." \
                "Run: sudo apt-get install python$version-venv    and then make again."
        "$python" -m venv --clear "$VENV" || fail "creating $VENV with $python failed (see above)."
    fi
}

# Older ones, as Python 3.10 brings them, lose their way among these requirements.
update_old_pip() {
    "$VENV/bin/python" -c 'import pip, sys; sys.exit([int(part) for part in pip.__version__.split(".")[:2]] >= [23, 2])' || return 0
    say "updating pip"
    "$VENV/bin/python" -m pip install --disable-pip-version-check --quiet --upgrade pip ||
        say "that failed; trying with the old one"
}

install_packages() {
    local log="$VENV/pip.log" pip last shown=""
    say "installing Python packages (about 2 GB, a minute or more; pip's settings and PIP_* variables are honoured)"
    "$VENV/bin/python" -m pip install --disable-pip-version-check --progress-bar off --no-color \
        --editable '.[sim,train,convert,bench,benchmarks,openvino,fci,flight,view,ros,dev]' >"$log" 2>&1 &
    pip=$!
    trap 'kill $pip 2>/dev/null; exit 130' INT TERM
    while kill -0 $pip 2>/dev/null; do
        sleep 2
        last=$(grep -E '^ *(Downloading|Building|Installing)' "$log" | tail -n 1 | cut -c 1-90) || true
        [ "$last" = "$shown" ] || { [ -t 1 ] && printf '\r\033[K%s' "$last"; shown=$last; }
    done
    [ ! -t 1 ] || printf '\r\033[K'
    trap - INT TERM
    wait $pip || {
        grep -E 'ERROR|error:' "$log" | head -n 20 >&2 || tail -n 20 "$log" >&2
        fail "pip could not install the packages; the whole story is in $log. Calling make again continues."
    }
    # It asks for another build of OpenCV, which would overwrite ours, and for what a joystick needs.
    "$VENV/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps robosuite==1.5.1 >>"$log" 2>&1 ||
        say "robosuite could not be installed; its benchmarks will not be there (see $log)"
}

renders() {
    MUJOCO_GL=$1 "$VENV/bin/python" - >"$VENV/rendering_$1.log" 2>&1 <<'PROBE'
import mujoco
model = mujoco.MjModel.from_xml_string("<mujoco><worldbody><light/><geom size='1'/></worldbody></mujoco>")
data = mujoco.MjData(model)
mujoco.mj_forward(model, data)
with mujoco.Renderer(model, 8, 8) as renderer:
    renderer.update_scene(data)
    renderer.render()
PROBE
}

# Prints the offscreen back end that really renders, EGL before OSMesa.
choose_gl() {
    local backend
    for backend in egl osmesa; do
        if renders "$backend"; then
            echo "$backend"
            return
        fi
    done
    return 1
}

GL_PACKAGES=(libegl1 libegl-mesa0 libgl1-mesa-dri libopengl0)
make_environment
update_old_pip
install_packages
if ! gl=$(choose_gl); then
    apt_install "${GL_PACKAGES[@]}" || apt_install libosmesa6 || true
    gl=$(choose_gl) || { apt_install libosmesa6 && gl=$(choose_gl); } ||
        fail "MuJoCo cannot render offscreen: neither EGL nor OSMesa works here; see $VENV/rendering_egl.log." \
            "Run: sudo apt-get install ${GL_PACKAGES[*]}    (or: sudo apt-get install libosmesa6) and then make again."
fi
say "offscreen rendering: $gl"

cat >"$VENV/.sag_ros_environment" <<ENVIRONMENT
# The environment has its own ROS (wheels): keep a sourced installation out, two of them do not mix.
[ -z "\${ROS_DISTRO:-}" ] || unset ROS_DISTRO PYTHONPATH LD_LIBRARY_PATH AMENT_PREFIX_PATH RMW_IMPLEMENTATION
source '$(cd "$VENV" && pwd)/bin/activate'
export MUJOCO_GL=\${MUJOCO_GL:-$gl}
export AMENT_PREFIX_PATH=\$VIRTUAL_ENV
ENVIRONMENT
say "ready"
