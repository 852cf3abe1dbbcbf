#!/bin/bash
# Install the poller and its Telegram bot as services: user, code, environment, settings, units. Run it
# again at any time; it changes only what is not yet as it should be.
#
# It never touches what is not ours: settings and registry are written only when missing, and a
# file of another program in the way is left alone. What was installed stands, with its checksums,
# in PREFIX/.easun-jkbms-files; nothing else is ever removed.
# shellcheck disable=SC2317  # functions handed to run() look unused to it
set -euo pipefail
umask 022

NAME=easun-jkbms
CONFIG=/etc/$NAME
STATE=/var/lib/$NAME
UNIT=/etc/systemd/system/$NAME.service
BOT=easun-bot
BOT_UNIT=/etc/systemd/system/$BOT.service
COMMAND=/usr/local/bin/jk-util
RULE=/etc/polkit-1/rules.d/50-$NAME.rules
STANDARD_PREFIX=/opt/$NAME

usage() {
    cat <<END
usage: sudo ./install.sh [--prefix DIR] [--allow-repairs] [--dry-run] [--uninstall]

  --prefix DIR   where the code goes (default $STANDARD_PREFIX); a folder with an inverter
                 program in it is welcome: its .env is used, its files stay as they are
  --allow-repairs  also install the polkit rule that lets the service restart the Bluetooth
                 service and reboot this machine when its batteries stay silent; it does so only
                 with ALLOW_BLUETOOTH_RESTART or ALLOW_REBOOT in its settings
  --dry-run      show every step, change nothing (needs no sudo)
  --uninstall    stop and remove services and code; settings and databases stay
  --venv DIR     use this environment with the packages of requirements-bot.txt; make none
  --root DIR     install into DIR instead of / (for packaging and tests): no users, no systemctl
  --help         this text
END
}

say() { printf '%s\n' "$*"; }
die() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}
misused() {
    printf 'install.sh: %s; see --help\n' "$*" >&2
    exit 2
}

prefix=$STANDARD_PREFIX root="" venv="" given_venv="" action=install dry="" repairs="" changes=0

parse() {
    while (($#)); do
        case "$1" in
            --prefix | --root | --venv)
                [[ $# -ge 2 && -n "$2" ]] || misused "$1 needs a folder"
                case "$1" in
                    --prefix) prefix="$(realpath -ms -- "$2")" ;;
                    --root) root="$(realpath -ms -- "$2")" ;;
                    --venv) given_venv="$(realpath -ms -- "$2")" ;;
                esac
                shift
                ;;
            --allow-repairs) repairs=yes ;;
            --dry-run) dry=yes ;;
            --uninstall) action=uninstall ;;
            --help | -h)
                usage
                exit 0
                ;;
            *) misused "argument is '$1'; expected one of --prefix, --allow-repairs, --dry-run, --uninstall, --venv, --root" ;;
        esac
        shift
    done
    [[ "$root" != / ]] || root=""
    # systemd and sh would both need their own way of quoting; nobody needs such a path for code.
    local path
    for path in "$prefix" "$given_venv"; do
        [[ "$path" =~ ^[A-Za-z0-9/._+@:-]*$ ]] || misused "path is '$path'; expected letters, digits and ._+@:- only"
    done
    case "$prefix" in
        / | /opt | /usr | /usr/local | /etc | /var | /home | /root | /bin | /lib | /tmp)
            misused "--prefix is $prefix; expected a folder of its own, e.g. $STANDARD_PREFIX"
            ;;
    esac
}

at() { printf '%s%s' "$root" "$1"; } # where a path of the installed system lies now

# The only way to change anything: says what, then does it; under --dry-run only says.
run() { # WHAT COMMAND [ARGUMENT...]
    local what="$1"
    shift
    changes=$((changes + 1))
    if [[ -n "$dry" ]]; then
        say "would: $what"
        printf '       $'
        printf ' %q' "$@"
        printf '\n'
    else
        say "- $what"
        "$@"
    fi
}

# Make the file at DST read like SRC; nothing to do when it does.
put() { # SRC DST MODE [GROUP]
    local src="$1" dst mode="$3" group="${4:-root}" owner=()
    dst="$(at "$2")"
    [[ -n "$root" ]] || owner=(-o root -g "$group")
    if [[ -f "$dst" && ! -L "$dst" ]] && cmp -s -- "$src" "$dst" && [[ "$(stat -c %a "$dst")" == "${mode#0}" ]]; then
        [[ -n "$root" || "$(stat -c %U:%G "$dst")" == "root:$group" ]] && return
    fi
    run "write $2" install -D -m "$mode" "${owner[@]}" -- "$src" "$dst"
}

have_folder() { # DST MODE OWNER
    local dst owner=()
    dst="$(at "$1")"
    [[ -n "$root" ]] || owner=(-o "$3" -g "$NAME")
    if [[ -d "$dst" && "$(stat -c %a "$dst")" == "${2#0}" ]]; then
        [[ -n "$root" || "$(stat -c %U:%G "$dst")" == "$3:$NAME" ]] && return
    fi
    run "make folder $1 (mode $2, $3:$NAME)" install -d -m "$2" "${owner[@]}" -- "$dst"
}

# The last KEY= in a .env file, unquoted; empty when there is none.
env_value() { # KEY FILE
    local value
    [[ -r "$2" ]] || return 0
    value="$(sed -nE "s/^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=[[:space:]]*//p" "$2" | tail -n 1 | tr -d '\r')"
    case "$value" in
        \"*\"*) value="${value#\"}" && value="${value%%\"*}" ;;
        \'*\'*) value="${value#\'}" && value="${value%%\'*}" ;;
        \#*) value="" ;;
        *)
            value="${value%%[[:space:]]#*}"
            value="${value%"${value##*[![:space:]]}"}"
            ;;
    esac
    printf '%s' "$value"
}

# ---- what goes where ----------------------------------------------------------------------------

source="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
outdated="" list="" beside="" in_place="" settings_dir="" registry="" db_path="" log_path="" token=""
their_bot="" no_packages=""
declare -A ours=() # path below the prefix -> checksum, as installed last time

survey() {
    list="$(at "$prefix")/.$NAME-files"
    settings_dir=$CONFIG
    if [[ -f "$list" ]]; then
        local sum path
        while read -r sum path; do
            case "$sum" in
                settings) settings_dir="$path" ;;
                beside) beside=yes ;;
                *) ours[$path]="$sum" ;;
            esac
        done <"$list"
    elif [[ -d "$(at "$prefix")" ]]; then
        if [[ "$source" -ef "$(at "$prefix")" ]]; then
            in_place=yes # a clone at its final place: used as it is
        elif [[ -n "$(ls -A "$(at "$prefix")")" ]]; then
            beside=yes # somebody lives here
        fi
        [[ ! -e "$(at "$prefix/.env")" ]] || settings_dir=$prefix
    fi

    registry="$settings_dir/jk_devices.yaml"
    if [[ "$settings_dir" == "$prefix" && ! -e "$(at "$registry")" && -e "$(at "$prefix/jk_bms/jk_devices.yaml")" ]]; then
        registry="$prefix/jk_bms/jk_devices.yaml" # where earlier programs kept it
    fi

    venv="${given_venv:-$prefix/.venv}"
    if [[ -n "$given_venv" ]]; then
        [[ -x "$given_venv/bin/python" ]] || die "--venv is $given_venv; expected an environment with bin/python"
    elif [[ -e "$(at "$venv")" ]]; then
        # Another program's, or one that `make` built on a Python where no service user gets in.
        if [[ ! -e "$(at "$venv")/.$NAME-runtime" ]] || at_home "$(readlink -f "$(at "$venv")/bin/python")"; then
            venv="$prefix/.venv-jkbms"
        fi
    fi

    local env_file
    env_file="$(at "$settings_dir/.env")"
    [[ -e "$env_file" ]] || env_file="$source/.env.example" # what it will be
    db_path="$(env_value DB_PATH "$env_file")"
    if [[ -z "$db_path" && "$settings_dir" == "$prefix" ]]; then
        db_path=inverter.db # the default of the inverter program and ours
    fi
    [[ -z "$db_path" || "$db_path" == /* ]] || db_path="$(realpath -ms -- "$settings_dir/$db_path")"
    log_path="$(env_value LOG_FILE_PATH "$env_file")"
    [[ -n "$log_path" ]] || log_path="$(env_value DATA_LOG_FILE "$env_file")"
    [[ -z "$log_path" || "$log_path" == /* ]] || log_path="$(realpath -ms -- "$settings_dir/$log_path")"
    token="$(env_value TELEGRAM_BOT_TOKEN "$env_file")"
    # The inverter program may have a bot of this name. It stays, and ours is started in another way.
    local there
    there="$(at "$prefix/telegram_bot.py")"
    if [[ -z "$in_place" && -e "$there" && -z "${ours[telegram_bot.py]:-}" ]] && ! cmp -s -- "$source/telegram_bot.py" "$there"; then
        their_bot=yes
    fi
}

# Every file to install, as a path below the clone. Beside another program: only what runs.
payload() {
    local each top=(jk_bms jk_bms_service.py telegram_bot.py)
    if [[ -z "$beside" ]]; then
        top+=(install.sh requirements.txt requirements-bot.txt pyproject.toml README.md LICENSE CHANGELOG.md .env.example docs systemd tools)
    fi
    cd "$source"
    for each in "${top[@]}"; do
        [[ -e "$each" ]] || die "$source/$each is missing; run install.sh from a whole clone"
        find "$each" -type f ! -path '*/__pycache__/*' ! -name '*.pyc' ! -name '*.db*' ! -name jk_devices.yaml
    done | LC_ALL=C sort
}

mode_of() { if [[ -x "$1" ]]; then echo 755; else echo 644; fi; }
sum_of() { sha256sum <"$1" | cut -d' ' -f1; }

copy_files() { # PATH...
    local each owner=()
    [[ -n "$root" ]] || owner=(-o root -g root)
    for each in "$@"; do
        install -D -m "$(mode_of "$source/$each")" "${owner[@]}" -- "$source/$each" "$(at "$prefix")/$each"
    done
}

remove_files() { # PATH...
    local each dir
    for each in "$@"; do
        rm -f -- "$(at "$prefix")/$each"
        dir="$(dirname "$each")"
        while [[ "$dir" != . ]]; do
            rm -rf -- "$(at "$prefix")/$dir/__pycache__"
            rmdir -- "$(at "$prefix")/$dir" 2>/dev/null || break
            dir="$(dirname "$dir")"
        done
    done
}

code() {
    if [[ -n "$in_place" ]]; then
        say "code: $prefix is the clone itself and is used as it is"
        return
    fi
    local each target all=() changed=() clashes=() refused=() stale=() files
    files="$(payload)"
    mapfile -t all <<<"$files"
    local -A wanted=()
    : >"$scratch/files"
    [[ -z "$beside" ]] || say "beside yes" >>"$scratch/files"
    say "settings $settings_dir" >>"$scratch/files"
    for each in "${all[@]}"; do
        wanted[$each]=yes
        target="$(at "$prefix")/$each"
        if [[ -e "$target" || -L "$target" ]] && [[ -z "${ours[$each]:-}" ]] && ! cmp -s -- "$source/$each" "$target"; then
            clashes+=("$each")
            case "$each" in jk_bms/* | jk_bms_service.py) refused+=("$each") ;; esac
            continue
        fi
        say "$(sum_of "$source/$each") $each" >>"$scratch/files"
        if ! cmp -s -- "$source/$each" "$target" || [[ "$(stat -c %a "$target")" != "$(mode_of "$source/$each")" ]]; then
            changed+=("$each")
        fi
    done
    if ((${#refused[@]})); then
        printf 'install.sh: %s holds files of another program where ours should go: %s\n' "$prefix" "${refused[*]}" >&2
        die "nothing was changed; move them away, or install to $STANDARD_PREFIX and set DB_PATH in $CONFIG/.env"
    fi
    ((${#clashes[@]} == 0)) || say "code: left as they are, they are not ours: ${clashes[*]}"
    for each in "${!ours[@]}"; do # of an older version
        [[ -n "${wanted[$each]:-}" ]] || stale+=("$each")
    done
    if ((${#changed[@]})); then
        run "copy ${#changed[@]} of ${#all[@]} files to $prefix" copy_files "${changed[@]}"
        outdated=yes
    fi
    ((${#stale[@]} == 0)) || run "remove ${#stale[@]} files of an older version from $prefix" remove_files "${stale[@]}"
    put "$scratch/files" "$prefix/.$NAME-files" 0644
}

installed() { # runtime|bot LOCK: whether the environment has these very packages
    [[ "$(head -n 3 "$(at "$venv")/.$NAME-$1" 2>/dev/null | tail -n 1)" == "$(sum_of "$source/$2")" ]] &&
        "$(at "$venv")/bin/python" -c '' 2>/dev/null
}

environment() {
    [[ -z "$given_venv" ]] || return 0
    # A service user cannot reach an interpreter in somebody's home, hence --system.
    if ! installed runtime requirements.txt; then
        run "make $venv with the packages of requirements.txt" "$source/tools/venv" "$(at "$venv")" runtime --system
        outdated=yes
    fi
    # By themselves: a machine for which one of these cannot be had still reads its batteries.
    if ! installed bot requirements-bot.txt; then
        run "add the packages of the bot (requirements-bot.txt)" "$source/tools/venv" "$(at "$venv")" bot --system ||
            no_packages=yes
    fi
}

compiled() { # the service may not write there: without this it would compile at each start
    if [[ -n "$in_place" || (-z "$outdated" && -d "$(at "$prefix")/jk_bms/__pycache__") ]]; then
        return
    fi
    run "compile the code in $prefix/jk_bms" "${given_venv:-$(at "$venv")}/bin/python" -m compileall -q \
        "$(at "$prefix")/jk_bms"
}

# ---- users ---------------------------------------------------------------------------------------

member() { id -nG "$1" 2>/dev/null | tr ' ' '\n' | grep -qxF -- "$2"; } # USER GROUP

users() {
    if [[ -n "$root" ]]; then
        say "users: none made, because of --root"
        return
    fi
    getent group "$NAME" >/dev/null || run "make group $NAME" groupadd --system "$NAME"
    if ! getent group bluetooth >/dev/null; then
        say "users: there is no group bluetooth, so BlueZ seems to be missing: sudo apt install bluez"
        run "make group bluetooth" groupadd --system bluetooth
    fi
    getent passwd "$NAME" >/dev/null || run "make user $NAME" useradd --system --gid "$NAME" --home-dir "$STATE" \
        --no-create-home --shell /usr/sbin/nologin "$NAME"
    member "$NAME" bluetooth || run "let $NAME use Bluetooth" usermod -aG bluetooth "$NAME"
    if [[ -n "${SUDO_USER:-}" && "$SUDO_USER" != root ]] && ! member "$SUDO_USER" "$NAME"; then
        run "let $SUDO_USER read what the service writes (from the next login on)" usermod -aG "$NAME" "$SUDO_USER"
    fi
    local dir group
    dir="$(dirname "$db_path")"
    if [[ -n "$db_path" && -d "$dir" ]]; then
        group="$(stat -c %G "$dir")"
        if [[ "$group" != root && "$group" != UNKNOWN && "$group" != "$NAME" ]] && ! member "$NAME" "$group"; then
            run "let $NAME into the group of $dir" usermod -aG "$group" "$NAME"
        fi
    fi
}

# ---- settings and state --------------------------------------------------------------------------

settings() {
    if [[ "$settings_dir" == "$CONFIG" ]]; then
        have_folder "$CONFIG" 2750 root
    else
        say "settings: $settings_dir/.env is used as it is"
    fi
    [[ -e "$(at "$settings_dir/.env")" ]] || put "$source/.env.example" "$settings_dir/.env" 0640 "$NAME"
    # An installed copy brings no registry along: nothing may overwrite the one in use.
    [[ -e "$(at "$registry")" || ! -e "$source/jk_devices.yaml" ]] ||
        put "$source/jk_devices.yaml" "$registry" 0640 "$NAME"
    have_folder "$STATE" 2770 "$NAME"
}

# ---- what systemd lets it do ----------------------------------------------------------------------

repair_rule() {
    local wanted
    if [[ -n "$repairs" || -e "$(at "$RULE")" ]]; then
        put "$source/systemd/$NAME-repairs.rules" "$RULE" 0644
        return
    fi
    for wanted in ALLOW_BLUETOOTH_RESTART ALLOW_REBOOT; do
        case "$(env_value "$wanted" "$(at "$settings_dir/.env")")" in
            [tT]rue | [yY]es | on | 1)
                say "repairs: $wanted is set, but systemd does not let the service: run this again with --allow-repairs"
                ;;
        esac
    done
}

# ---- units ---------------------------------------------------------------------------------------

inside() { [[ "$1" == "$2" || "$1" == "$2"/* ]]; } # PATH FOLDER
at_home() { [[ "$1" =~ ^/(home|root|run/user)(/|$) ]]; }

# A path as systemd reads it: %% for %, quoted for blanks.
for_systemd() {
    local path="${1//%/%%}"
    path="${path//\\/\\\\}"
    path="${path//\"/\\\"}"
    if [[ "$path" == *[[:space:]\'\"]* ]]; then printf '"%s"' "$path"; else printf '%s' "$path"; fi
}

render() { # UNIT FOLDER-IT-WRITES
    local unit dir="$2" path binds=() line
    unit="$(<"$source/systemd/$1.service")"
    unit="${unit//"$STANDARD_PREFIX/.venv"/"@venv@"}"
    unit="${unit//"$STANDARD_PREFIX"/"$prefix"}"
    unit="${unit//"@venv@"/"$venv"}"
    unit="${unit//"=$CONFIG/.env"/"=$settings_dir/.env"}"
    unit="${unit//"=$CONFIG/jk_devices.yaml"/"=$registry"}"
    [[ -z "$their_bot" ]] || unit="${unit//" $prefix/telegram_bot.py"/" -m jk_bms.bot"}"
    if [[ -n "$dir" ]]; then
        unit="${unit//"ReadWritePaths=-/opt/eamoon"/"ReadWritePaths=$(for_systemd "-$dir")"}"
        unit="${unit//"ReadWritePaths=-/var/log/$NAME"/"ReadWritePaths=$(for_systemd "-$dir")"}"
    fi
    # Homes are hidden from the service; what it needs there is shown to it alone.
    if [[ -n "$dir" ]] && at_home "$dir"; then
        binds+=("BindPaths=$(for_systemd "-$dir")")
    fi
    for path in "$prefix" "$settings_dir" "$venv"; do
        if at_home "$path" && ! { [[ -n "$dir" ]] && inside "$path" "$dir"; }; then
            binds+=("BindReadOnlyPaths=$path")
        fi
    done
    while IFS= read -r line; do
        if [[ "$line" == ConfigurationDirectory* && "$settings_dir" != "$CONFIG" ]]; then
            continue
        elif [[ "$line" == ProtectHome=yes && ${#binds[@]} -gt 0 ]]; then
            say "ProtectHome=tmpfs"
            printf '%s\n' "${binds[@]}" | awk '!seen[$0]++'
        else
            printf '%s\n' "$line"
        fi
    done <<<"$unit"
}

places() { # what the tool, started by hand, must know of the service; the environment beats it
    cat <<END
JK_ENV_FILE=$settings_dir/.env
JK_DEVICES_FILE=$registry
BMS_DB_PATH=$STATE/bms.db
BMS_SOCKET=/run/$NAME/poller.sock
END
}

command_script() {
    cat <<END
#!/bin/sh
# Part of $NAME (install.sh): the tool, from anywhere.
exec $venv/bin/python $prefix/jk_bms/jk-util.py "\$@"
END
}

command_is_foreign() {
    [[ -e "$(at $COMMAND)" ]] && ! grep -qF "Part of $NAME (install.sh)" "$(at $COMMAND)"
}

live_systemd() { [[ -z "$root" && -d /run/systemd/system ]]; }

folder_of() { [[ -z "$1" ]] || dirname "$1"; } # PATH, or nothing

units() {
    local before=$changes
    render "$NAME" "$(folder_of "$db_path")" >"$scratch/unit"
    put "$scratch/unit" "$UNIT" 0644
    render "$BOT" "$(folder_of "$log_path")" >"$scratch/bot-unit"
    put "$scratch/bot-unit" "$BOT_UNIT" 0644
    places >"$scratch/places"
    put "$scratch/places" "$prefix/.$NAME-places" 0644
    if command_is_foreign; then
        say "command: $COMMAND is not ours and is left as it is; use $venv/bin/python $prefix/jk_bms/jk-util.py"
    else
        command_script >"$scratch/command"
        put "$scratch/command" "$COMMAND" 0755
    fi
    if ! live_systemd; then
        say "service: systemd does not run here (a container, or --root): nothing was enabled or started"
        return
    fi
    [[ $changes == "$before" ]] || run "let systemd read the units" systemctl daemon-reload
    systemctl is-enabled --quiet "$NAME" 2>/dev/null || run "start it at boot" systemctl enable --quiet "$NAME"
    if ((changes)) && systemctl is-active --quiet "$NAME"; then
        run "restart the running service" systemctl restart "$NAME"
    fi
    if systemctl is-active --quiet "$BOT"; then
        ((changes == 0)) || run "restart the running bot" systemctl restart "$BOT"
    elif [[ -z "$(why_no_bot)" ]]; then
        systemctl is-enabled --quiet "$BOT" 2>/dev/null || run "start the bot at boot" systemctl enable --quiet "$BOT"
        run "start the bot" systemctl start "$BOT"
    fi
}

# What keeps the bot from being started, and what to do about it; nothing when it may run.
why_no_bot() {
    local start="sudo systemctl enable --now $BOT"
    if [[ -n "$no_packages" ]]; then
        say "its packages could not be installed (the reason stands above); the batteries are read without it"
    elif [[ -n "$given_venv" ]] && ! "$given_venv/bin/python" -c '
import importlib.util, sys
sys.exit(importlib.util.find_spec("aiogram") is None)' 2>/dev/null; then
        say "$given_venv has no aiogram; install requirements-bot.txt there and run this again"
    elif [[ -z "$token" ]]; then
        say "it has no token: ask @BotFather for one, set TELEGRAM_BOT_TOKEN in $settings_dir/.env and run this again"
    elif [[ -n "$their_bot" ]]; then
        say "the program in $prefix has a bot too, and two must not share a token: stop that one, then $start"
    fi
}

# ---- can it work? --------------------------------------------------------------------------------

service_can() { runuser -u "$NAME" -- test "$@"; }

bot_checks() {
    local why dir
    why="$(why_no_bot)"
    [[ -z "$why" ]] || say "bot: installed but not started: $why"
    dir="$(folder_of "$log_path")"
    if [[ -n "$dir" && "$dir" != "/var/log/$NAME" && -z "$root" ]] && getent passwd "$NAME" >/dev/null && ! service_can -w "$dir"; then
        say "check: user $NAME cannot write in $dir, where LOG_FILE_PATH is:" \
            "sudo install -d -m 2775 -o $NAME -g $NAME $(printf %q "$dir"), or set LOG_FILE_PATH=/var/log/$NAME/stat.log"
    fi
}

checks() {
    bot_checks
    if [[ -z "$db_path" ]]; then
        say "check: DB_PATH is not set in $settings_dir/.env: set it to the inverter program's database and run this again"
        return
    fi
    local dir group file
    dir="$(dirname "$db_path")"
    if [[ -n "$root" ]] || ! getent passwd "$NAME" >/dev/null; then
        say "check: not checked whether user $NAME can write $db_path: there is no such user here"
        return
    fi
    service_can -r "$settings_dir/.env" ||
        say "check: user $NAME cannot read $settings_dir/.env: sudo chgrp $NAME $settings_dir/.env && sudo chmod g+r $settings_dir/.env"
    if [[ ! -d "$dir" ]]; then
        say "check: $dir does not exist yet; once the inverter program has made it, run this again"
        return
    fi
    group="$(stat -c %G "$dir")"
    if ! service_can -x "$dir"; then
        say "check: user $NAME cannot enter $dir: sudo chmod o+x on it and on the folders above it that lack it"
    fi
    if [[ "$group" == root ]]; then # joining root's group would open far more than this folder
        group=$NAME
        service_can -w "$dir" || say "check: user $NAME cannot write in the folder $dir (SQLite needs it for its journal):" \
            "sudo chgrp $NAME $(printf %q "$dir") && sudo chmod g+rwxs $(printf %q "$dir")"
    else
        service_can -w "$dir" || say "check: user $NAME cannot write in the folder $dir (SQLite needs it for its journal):" \
            "it is in group $group now, so: sudo chmod g+rwxs $(printf %q "$dir")"
    fi
    for file in "$db_path" "$db_path-wal" "$db_path-shm"; do
        if [[ -e "$file" ]] && ! { service_can -w "$file" && service_can -r "$file"; }; then
            say "check: user $NAME cannot write $file:" \
                "sudo chgrp $group $(printf %q "$file") && sudo chmod g+rw $(printf %q "$file")"
        fi
    done
    [[ -e "$db_path" ]] || say "check: $db_path does not exist yet; the service waits for it"
}

# ---- the two actions -----------------------------------------------------------------------------

install_all() {
    code
    users
    settings
    environment
    compiled
    repair_rule
    units
    checks
    if [[ $changes == 0 ]]; then
        say "nothing to change: $NAME is installed in $prefix"
        return
    fi
    if [[ -n "$dry" ]]; then
        say "dry run: nothing was changed"
        return
    fi
    cat <<END

$NAME is installed in $prefix
  settings   $settings_dir/.env
  batteries  $registry
  databases  $STATE
next:
  sudo jk-util --scan                   find the batteries
  sudo systemctl restart $NAME    start with them
  journalctl -fu $NAME            watch it work (the bot: -u $BOT)
END
}

uninstall() {
    local each path kept=() gone=()
    if live_systemd; then
        for each in "$BOT" "$NAME"; do
            systemctl is-active --quiet "$each" 2>/dev/null && run "stop $each" systemctl stop "$each"
            systemctl is-enabled --quiet "$each" 2>/dev/null && run "start $each no more at boot" systemctl disable --quiet "$each"
        done
    else
        say "service: systemd does not run here: nothing to stop"
    fi
    for path in "$UNIT" "$BOT_UNIT" "$RULE"; do
        [[ ! -e "$(at "$path")" ]] || run "remove $path" rm -f -- "$(at "$path")"
    done
    if live_systemd; then
        run "let systemd forget the units" systemctl daemon-reload
    fi
    if [[ -e "$(at $COMMAND)" ]] && ! command_is_foreign; then
        run "remove $COMMAND" rm -f -- "$(at $COMMAND)"
    fi
    for each in "${!ours[@]}"; do
        path="$(at "$prefix")/$each"
        [[ -e "$path" ]] || continue
        if [[ "$(sum_of "$path")" == "${ours[$each]}" ]]; then gone+=("$each"); else kept+=("$each"); fi
    done
    ((${#gone[@]} == 0)) || run "remove ${#gone[@]} files from $prefix" remove_files "${gone[@]}"
    for path in "$prefix/.venv" "$prefix/.venv-jkbms"; do
        if [[ -z "$in_place" && -e "$(at "$path")/.$NAME-runtime" ]]; then
            run "remove $path" rm -rf -- "$(at "$path")" "$(at "$path").lock"
        fi
    done
    [[ ! -e "$list" ]] || run "remove $prefix/.$NAME-files" rm -f -- "$list"
    path="$(at "$prefix")/.$NAME-places"
    [[ ! -e "$path" ]] || run "remove $prefix/.$NAME-places" rm -f -- "$path"
    if [[ -z "$dry" && -d "$(at "$prefix")" ]]; then
        rmdir -- "$(at "$prefix")" 2>/dev/null || true
    fi
    [[ -z "$in_place" ]] || say "kept: $prefix, because it is the clone itself"
    ((${#kept[@]} == 0)) || say "kept in $prefix, because they were changed since: ${kept[*]}"
    for path in "$settings_dir/.env" "$registry" "$STATE" "/var/log/$NAME"; do
        [[ ! -e "$(at "$path")" ]] || say "kept: $path"
    done
    if [[ -z "$root" ]] && getent passwd "$NAME" >/dev/null; then
        say "kept: user and group $NAME (remove: sudo userdel $NAME)"
    fi
    if [[ $changes == 0 ]]; then
        say "nothing to remove: $NAME is not installed in $prefix"
    elif [[ -n "$dry" ]]; then
        say "dry run: nothing was changed"
    fi
}

scratch=""
main() {
    parse "$@"
    if [[ $EUID -ne 0 && -z "$root" && -z "$dry" ]]; then
        die "must be root to $action: sudo ./install.sh (or look first: ./install.sh --dry-run)"
    fi
    scratch="$(mktemp -d)"
    trap 'rm -rf -- "$scratch"' EXIT
    if [[ -n "$dry" && $EUID -ne 0 && -d "$(at $CONFIG)" && ! -x "$(at $CONFIG)" ]]; then
        say "note: $CONFIG is closed to you, so its files count as missing; with sudo the steps are exact"
    fi
    survey
    if [[ $action == uninstall ]]; then
        uninstall
    else
        [[ -n "$given_venv" ]] || "$source/tools/find-python" --system >/dev/null || exit 1
        install_all
    fi
}

main "$@"
exit # this file may be gone by now: read no further
