#!/bin/bash
# Install the poller, its page and its Telegram bot as services: user, code, environment, settings, units. Run it
# again at any time; it changes only what is not yet as it should be.
#
# It never touches what is not ours. Settings and registry are written only when missing. A unit, command or
# rule is ours when it bears our mark (or the checksum of an earlier version), a file of the program when
# PREFIX/.easun-jkbms-files lists it and its checksum is still the listed one; that list is believed in
# nothing else: no path leads out of PREFIX, no link is followed. The code lies where root alone may
# replace it, since `sudo jk-util` runs it.
# shellcheck disable=SC2317  # functions handed to run() look unused to it
set -euo pipefail
umask 022
unset CDPATH VIRTUAL_ENV PYTHONHOME PYTHONPATH # whatever environment is active, ours are made and asked alone

NAME=easun-jkbms
CONFIG=/etc/$NAME
STATE=/var/lib/$NAME
BOT=$NAME-bot
WEB=$NAME-web
UNITS=/etc/systemd/system
UNIT=$UNITS/$NAME.service
BOT_UNIT=$UNITS/$BOT.service
WEB_UNIT=$UNITS/$WEB.service
MARK="# $NAME" # the first line of our units; other programs ship units of like names
COMMAND=/usr/local/bin/jk-util
RULE=/etc/polkit-1/rules.d/50-$NAME.rules
STANDARD_PREFIX=/opt/$NAME

# Units that earlier versions installed bore no mark, and that of the bot was called like the inverter
# program's: their checksums, without comments and without the lines that depend on the house.
OLD_BOT_UNIT=$UNITS/easun-bot.service
EARLIER_UNITS="
2af3e5d3308eb0ed8228874370030402fe636c8ccdaa82d0969b41c2a6aca8ab
d83da6563d83f75ab5aaf6e1e9331ef3b4d5bf535169101021551f4c2b955bb9
a38aa752b1acdc6e68682f88075cc73fc8fb4475b8ab83db97268373fc0e5a14
901665ba6ab229fdbfff0bbee2d8903c8cb634d12626884c0ea3d50232f2e986
d4dc2f676854506b7f8662c7595a53380a40ab3eb621c6bfd72b9dd1fa796581
a3923ddee3b3a81d0a65d4eaf12fd1e551f0e237b5ec187e85b3d5783d84ed49
bfd7e747ee53baa58aea232a23df176d81fcb5236362501edd2e8aa5256bb25d
"
PLACES_IN_UNITS="ExecStart|WorkingDirectory|Environment|ReadWritePaths|BindPaths|BindReadOnlyPaths|ProtectHome"
PLACES_IN_UNITS+="|ConfigurationDirectory|ConfigurationDirectoryMode|Documentation"

usage() {
    cat <<END
usage: sudo ./install.sh [--prefix DIR] [--allow-repairs] [--dry-run] [--uninstall]

  --prefix DIR   where the code goes (default $STANDARD_PREFIX); a folder with an inverter
                 program in it is welcome: its .env is used, its files stay as they are, and the
                 code goes to $STANDARD_PREFIX when others than root may write in that folder
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
    [[ -z "$root" ]] || root="$(realpath -m -- "$root")"
    # systemd and sh would both need their own way of quoting; nobody needs such a path for code.
    local path resolved
    resolved="$(realpath -m -- "$(at "$prefix")")"
    if [[ "$resolved" != "$root" && "$resolved" != "$root"/* ]]; then # a link in --root that leads out of it
        misused "--prefix is $prefix, which is $resolved; expected a folder in $root"
    fi
    for path in "$prefix" "${resolved#"$root"}" "$given_venv"; do
        [[ "$path" =~ ^[A-Za-z0-9/._+@:-]*$ ]] || misused "path is '$path'; expected letters, digits and ._+@:- only"
    done
    for path in "$prefix" "${resolved#"$root"}/"; do
        [[ "$path" == / ]] || path="${path%/}"
        ! of_the_system "$path" ||
            misused "--prefix is $path; expected a folder of its own outside of the system's, e.g. $STANDARD_PREFIX"
    done
    prefix="${resolved#"$root"}" # where links lead to: what is checked is what is used
}

# Folders of the system and whole homes: no place for code of ours, whatever a link or a list says.
of_the_system() { # PATH
    case "$1" in
        "/usr/local/lib/$NAME" | "/usr/local/lib/$NAME"/*) return 1 ;;
        / | /opt | /srv | /home | /home/* | /mnt | /media | /tmp | /root) [[ "$1" != /home/*/* ]] ;;
        *) [[ "$1" =~ ^/(usr|etc|var|boot|proc|sys|dev|run|bin|sbin|lib[^/]*)(/|$) ]] ;;
    esac
}

at() { printf '%s%s' "$root" "$1"; } # where a path of the installed system lies now

# Who besides root may put something else in the place of PATH, or into it; nothing when nobody may.
others_in() { # PATH
    [[ -z "$root" || $EUID -eq 0 ]] || return 0 # the files of a trial are the trier's
    local path="$1" here owner group mode
    while :; do
        here="$(at "$path")"
        if [[ -e "$here" ]]; then
            read -r owner group mode < <(stat -Lc '%U %G %a' -- "$here")
            if [[ "$owner" != root ]]; then
                printf '%s' "$owner"
                return
            fi
            case "$group" in root | staff | sudo | wheel) mode=$((8#$mode & ~8#20)) ;; *) mode=$((8#$mode)) ;; esac
            # In a folder like /tmp nobody may replace what is root's.
            if ((mode & 8#22)) && ! ((mode & 8#1000 && ${#path} < ${#1})); then
                if ((mode & 8#2)); then printf 'everybody'; else printf 'group %s' "$group"; fi
                return
            fi
        fi
        [[ "$path" != / ]] || return 0
        path="$(dirname "$path")"
    done
}

# Why a file of ours must not be touched at PREFIX/PATH, in $why: a link on the way there, or another's folder.
declare -A folders=() # what was found of each folder on the way, as a path of the machine
why=""
blocked() { # PATH
    local way="$1" here
    why=""
    while :; do
        here="$prefix/$way"
        if [[ -z "${folders[$here]+known}" ]]; then
            folders[$here]=""
            if [[ -L "$(at "$here")" ]]; then
                folders[$here]="$here is a link"
            elif [[ -d "$(at "$here")" && $EUID -eq 0 && "$(stat -c %u -- "$(at "$here")")" != 0 ]]; then
                folders[$here]="$here belongs to $(stat -c %U -- "$(at "$here")")"
            fi
        fi
        why="${folders[$here]:-$why}"
        [[ "$way" == */* ]] || break
        way="${way%/*}"
    done
    [[ -n "$why" ]]
}

# The only way to change anything: says what, then does it; under --dry-run only says.
run() { # WHAT COMMAND [ARGUMENT...]
    local what="$1"
    shift
    changes=$((changes + 1))
    if [[ -n "$dry" ]]; then
        say "would: $what"
        printf '       $'
        printf ' %q' "${@:1:12}" # not hundreds of files, among which no other step is found
        if (($# > 12)); then printf ' ... and %d more' $(($# - 12)); fi
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
outdated="" list="" beside="" in_place="" settings_dir="" registry="" db_path="" db_group="" log_path="" token=""
their_bot="" shared="" earlier="" no_packages="" foreign_bot_unit="" foreign_web_unit=""
declare -A ours=() # path below the prefix -> checksum, as installed last time

# A list says what an earlier run put there. It may have been changed since: what could lead astray is left out.
read_list() { # FILE
    local line first rest strange=0
    ours=()
    [[ -f "$1" && ! -L "$1" ]] || return 0
    while IFS= read -r line; do
        first="${line%% *}" rest="${line#* }"
        if [[ "$line" == "beside yes" ]]; then
            beside=yes
        elif [[ "$first" == settings && "$rest" == /* ]] && keeps_settings "$rest"; then
            settings_dir="$rest"
        elif [[ "$first" =~ ^[0-9a-f]{64}$ && "/$rest/" != */../* && "/$rest/" != */./* && "/$rest/" != *//* ]]; then
            ours[$rest]+="$first " # two, where an update was interrupted
        else
            strange=$((strange + 1))
        fi
    done <"$1"
    ((strange == 0)) || say "note: $1: $strange lines are not of ours and are passed over"
}

keeps_settings() { # FOLDER
    [[ "$1" == "$CONFIG" || "$1" == "$prefix" ]] && return
    [[ "$1" == "$(realpath -ms -- "$1")" && -f "$(at "$1/.env")" ]] && ! of_the_system "$1"
}

# Whether another program lives in a folder, not only settings that somebody put there for us.
inhabited() { [[ -n "$(find "$1" -mindepth 1 -maxdepth 1 ! -name .env ! -name jk_devices.yaml -print -quit)" ]]; }

survey() {
    local others
    settings_dir=$CONFIG
    list="$(at "$prefix")/.$NAME-files"
    if [[ -f "$list" ]]; then
        read_list "$list"
    elif [[ -d "$(at "$prefix")" ]]; then
        if [[ "$source" -ef "$(at "$prefix")" ]]; then
            in_place=yes # a clone at its final place: used as it is
        elif inhabited "$(at "$prefix")"; then
            beside=yes
        fi
        [[ ! -e "$(at "$prefix/.env")" ]] || settings_dir=$prefix
    fi
    others="$(others_in "$prefix")"
    if [[ -z "$others" && -n "$in_place" && -z "$root" && -n "$(find "$prefix" ! -user root -print -quit)" ]]; then
        others="$(find "$prefix" ! -user root -printf '%u' -quit)"
    fi
    look_at_settings
    # The service writes in the folders of the inverter's database and of its log: code in there could be replaced by it.
    local path
    for path in "$db_path" "$log_path"; do
        if [[ -z "$others" && -z "$in_place" && -n "$path" ]] && inside "$prefix" "$(dirname "$path")"; then
            others="the service"
        fi
    done
    if [[ -n "$others" && "$prefix" != "$STANDARD_PREFIX" && -z "$in_place" ]]; then
        earlier=$prefix prefix=$STANDARD_PREFIX beside=""
        say "code: in $prefix, because $others may write in $earlier and so change what root runs"
        list="$(at "$prefix")/.$NAME-files"
        local theirs=$settings_dir
        read_list "$list"
        settings_dir=$theirs
        others="$(others_in "$prefix")"
        if [[ ! -f "$list" && -d "$(at "$prefix")" && $action == install ]]; then
            [[ ! "$source" -ef "$(at "$prefix")" ]] || in_place=yes
            [[ -n "$in_place" ]] || ! inhabited "$(at "$prefix")" || die "$prefix holds another program; nothing was changed"
        fi
    fi
    if [[ $action == install && "$others" == "the service" ]]; then
        die "DB_PATH or LOG_FILE_PATH in $settings_dir/.env lets the service write in $prefix, where its code is;" \
            "set it to another folder, e.g. $STATE; nothing was changed"
    elif [[ $action == install && -n "$others" ]]; then
        die "$others may write in $prefix and so change what 'sudo jk-util' runs; nothing was changed." \
            "Give it to root: sudo chown -R root:root $prefix && sudo chmod -R go-w $prefix"
    fi
    if [[ $action == install && -n "$given_venv" && -n "$(others_in "$given_venv")" ]]; then
        die "$(others_in "$given_venv") may write in --venv $given_venv and so change what 'sudo jk-util' runs"
    fi
    # Settings beside another program are that program's as well.
    if [[ "$settings_dir" != "$CONFIG" && -z "$in_place" ]] && [[ "$settings_dir" != "$prefix" || -n "$beside" ]]; then
        shared=yes
        [[ "$settings_dir" == "$prefix" ]] || inhabited "$(at "$settings_dir")" || shared=""
    fi
    look_at_settings
    registry="$settings_dir/jk_devices.yaml"
    if [[ ! -e "$(at "$registry")" && -e "$(at "$settings_dir/jk_bms/jk_devices.yaml")" ]]; then
        registry="$settings_dir/jk_bms/jk_devices.yaml" # where earlier programs kept it
    elif [[ ! -e "$(at "$registry")" && "$settings_dir" != "$prefix" ]]; then
        registry="$CONFIG/jk_devices.yaml" # nothing of root's is made where others may write
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

    # The inverter program may have a bot of this name. It stays, and ours is started in another way.
    local there
    there="$(at "$prefix/telegram_bot.py")"
    if [[ -z "$in_place" && -e "$there" && -z "${ours[telegram_bot.py]:-}" ]] && ! cmp -s -- "$source/telegram_bot.py" "$there"; then
        their_bot=yes
    fi
    if [[ $action == install ]]; then
        local unit
        ! unit="$(foreign_unit "$NAME")" || die "$unit is not ours, so the service cannot be installed; nothing was changed"
        foreign_bot_unit="$(foreign_unit "$BOT")" || true
        foreign_web_unit="$(foreign_unit "$WEB")" || true
        id_is_ours || die "there is a user $NAME that is not of ours (its home is not $STATE); nothing was changed"
    fi
}

id_is_ours() {
    local entry
    [[ -z "$root" ]] && entry="$(getent passwd "$NAME")" || return 0
    [[ "$(cut -d: -f6 <<<"$entry")" == "$STATE" ]]
}

look_at_settings() {
    local env_file dir key
    env_file="$(at "$settings_dir/.env")"
    [[ -e "$env_file" ]] || env_file="$source/.env.example" # what it will be
    db_path="$(env_value DB_PATH "$env_file")"
    if [[ -z "$db_path" && "$settings_dir" != "$CONFIG" ]]; then
        db_path=inverter.db # the default of the inverter program and ours
    fi
    [[ -z "$db_path" || "$db_path" == /* ]] || db_path="$(realpath -ms -- "$settings_dir/$db_path")"
    log_path="$(env_value LOG_FILE_PATH "$env_file")"
    [[ -n "$log_path" ]] || log_path="$(env_value DATA_LOG_FILE "$env_file")"
    [[ -z "$log_path" || "$log_path" == /* ]] || log_path="$(realpath -ms -- "$settings_dir/$log_path")"
    token="$(env_value BMS_BOT_TOKEN "$env_file")"
    # The token in another program's settings is of that program's bot.
    [[ -n "$token" || -n "$shared" ]] || token="$(env_value TELEGRAM_BOT_TOKEN "$env_file")"
    db_group=""
    dir="$(at "$(folder_of "$db_path")")"
    if [[ -n "$db_path" && -d "$dir" ]]; then
        key="$(stat -c %G "$dir")"
        ! of_people "$key" || db_group="$key"
    fi
}

# Whether a group is of a person or a program, not one that gives rights over the machine.
of_people() { # GROUP
    local number
    number="$(getent group "$1" | cut -d: -f3)"
    [[ -n "$number" && "$1" != "$NAME" ]] || return 1
    ((number >= 1000)) || { ((number >= 100)) && getent passwd | cut -d: -f4 | grep -qxF "$number"; }
}

# Whether a unit is ours: by its mark, or as an earlier version installed it.
our_unit() { # FILE
    [[ -f "$1" && ! -L "$1" ]] || return 1
    [[ "$(head -n 1 -- "$1")" == "$MARK" ]] || of_earlier_version "$1"
}

of_earlier_version() { # FILE
    local sum
    [[ -f "$1" && ! -L "$1" ]] || return 1
    sum="$({ grep -Ev "^(#.*|[[:space:]]*|($PLACES_IN_UNITS)=.*)$" -- "$1" || true; } | sha256sum | cut -d' ' -f1)"
    [[ "$EARLIER_UNITS" == *"$sum"* ]]
}

# The unit of this name that is another program's, wherever systemd finds it. One of ours in /etc would hide it.
foreign_unit() { # NAME
    local folder path
    for folder in "$UNITS" /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
        path="$folder/$1.service"
        if [[ -e "$(at "$path")" || -L "$(at "$path")" ]] && ! our_unit "$(at "$path")"; then
            printf '%s' "$path"
            return 0
        fi
    done
    return 1
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

# Remove files that are still as we installed them, and the folders that are empty then.
remove_files() { # PATH...
    local each dir name
    for each in "$@"; do
        rm -f -- "$(at "$prefix")/$each"
        dir="$(dirname "$each")" name="$(basename "$each" .py)"
        if [[ "$each" == *.py && ! -L "$(at "$prefix")/$dir/__pycache__" ]]; then # what Python made of it
            rm -f -- "$(at "$prefix")/$dir/__pycache__/$name".cpython-*.pyc
            rmdir -- "$(at "$prefix")/$dir/__pycache__" 2>/dev/null || true
        fi
        while [[ "$dir" != . ]] && rmdir -- "$(at "$prefix")/$dir" 2>/dev/null; do
            dir="$(dirname "$dir")"
        done
    done
}

# The checksums of those of the PATHs (on standard input) that are files below FOLDER, into $sums.
declare -A sums=()
sums_below() { # FOLDER
    local path sum
    sums=()
    while read -r sum path; do sums[$path]="$sum"; done < <(
        cd -- "$1" 2>/dev/null || exit 0
        while IFS= read -r path; do
            [[ ! -f "$path" || -L "$path" ]] || printf '%s\0' "$path"
        done | xargs -0 -r sha256sum --
    )
}

# Sort PATHs of the list into gone (may be removed) and kept (changed since, or behind a link).
declare -a gone=() kept=()
sort_out() { # PATH...
    local each
    gone=() kept=()
    (($#)) || return 0
    sums_below "$(at "$prefix")" < <(printf '%s\n' "$@")
    for each in "$@"; do
        [[ -e "$(at "$prefix")/$each" || -L "$(at "$prefix")/$each" ]] || continue
        if ! blocked "$each" && [[ -n "${sums[$each]:-}" && "${ours[$each]}" == *"${sums[$each]}"* ]]; then
            gone+=("$each")
        else
            kept+=("$each")
        fi
    done
}

# What below FOLDER another owner has, or everybody may write: root would run it.
of_others() { find "$1" \( ! -user "$EUID" -o ! -type l -perm -o=w \) "${@:2}" 2>/dev/null || true; } # FOLDER [find's action]

code() {
    if [[ -n "$in_place" ]]; then
        say "code: $prefix is the clone itself and is used as it is"
        return
    fi
    local each target new mode all=() changed=() clashes=() refused=() stale=() files
    files="$(payload)"
    mapfile -t all <<<"$files"
    local -A wanted=() modes=()
    sums_below "$source" <<<"$files"
    for each in "${all[@]}"; do wanted[$each]="${sums[$each]}"; done
    sums_below "$(at "$prefix")" <<<"$files"
    # Whose a file is counts too: its owner may change it, and root runs it.
    while read -r mode each; do modes[$each]="$mode"; done < <(
        cd -- "$(at "$prefix")" 2>/dev/null && stat -c '%a:%u %n' -- "${!sums[@]}" 2>/dev/null
    )
    {
        [[ -z "$beside" ]] || say "beside yes"
        say "settings $settings_dir"
    } >"$scratch/files"
    for each in "${all[@]}"; do
        target="$(at "$prefix")/$each"
        new="${wanted[$each]}"
        if blocked "$each" && [[ "$why" != "$prefix/$each is a link" ]]; then
            die "$why; nothing was changed"
        fi
        if [[ -e "$target" || -L "$target" ]] && [[ "$new ${ours[$each]:-}" != *"${sums[$each]:-no file}"* ]]; then
            clashes+=("$each") # something else than what we installed
            case "$each" in jk_bms/* | jk_bms_service.py) refused+=("$each") ;; esac
            continue
        fi
        say "$new $each" >>"$scratch/files"
        if [[ "${sums[$each]:-}" != "$new" || "${modes[$each]:-}" != "$(mode_of "$source/$each"):$EUID" ]]; then
            changed+=("$each")
        fi
    done
    while IFS= read -r each; do # what Python might import there, by whomever
        [[ -n "${wanted[$each]:-}${ours[$each]:-}" ]] || refused+=("$each")
    done < <(cd -- "$(at "$prefix")" 2>/dev/null && [[ -d jk_bms ]] && of_others jk_bms | grep -v /__pycache__)
    if ((${#refused[@]})); then
        printf 'install.sh: %s holds files that we did not put there, or that were changed since: %s\n' \
            "$prefix" "${refused[*]}" >&2
        local elsewhere=", or install to $STANDARD_PREFIX and set DB_PATH in $CONFIG/.env"
        [[ "$prefix" != "$STANDARD_PREFIX" ]] || elsewhere=" and run this again"
        die "nothing was changed; move them away$elsewhere"
    fi
    ((${#clashes[@]} == 0)) || say "code: left as they are, they are not ours: ${clashes[*]}"
    for each in "${!ours[@]}"; do # of an older version
        [[ -n "${wanted[$each]:-}" ]] || stale+=("$each")
    done
    if ((${#changed[@]})); then
        if [[ -f "$list" ]]; then # whatever interrupts the copying: both versions are known as ours
            LC_ALL=C sort -u -- "$list" "$scratch/files" >"$scratch/both"
            [[ -n "$dry" ]] || put "$scratch/both" "$prefix/.$NAME-files" 0644 >/dev/null
        fi
        run "copy ${#changed[@]} of ${#all[@]} files to $prefix" copy_files "${changed[@]}"
        outdated=yes
    fi
    sort_out "${stale[@]}"
    ((${#gone[@]} == 0)) || run "remove ${#gone[@]} files of an older version from $prefix" remove_files "${gone[@]}"
    ((${#kept[@]} == 0)) || say "code: left in $prefix, because they were changed since: ${kept[*]}"
    put "$scratch/files" "$prefix/.$NAME-files" 0644
}

installed() { # runtime|bot LOCK: whether the environment has these very packages
    [[ "$(head -n 3 "$(at "$venv")/.$NAME-$1" 2>/dev/null | tail -n 1)" == "$(sum_of "$source/$2")" ]] &&
        "$(at "$venv")/bin/python" -I -c '' 2>/dev/null
}

environment() {
    local first=""
    [[ -z "$given_venv" ]] || return 0
    [[ -n "$in_place" || ! -d "$(at "$venv")" ]] || first="$(of_others "$(at "$venv")/" -print -quit)"
    if [[ -n "$first" ]]; then
        run "remove $venv, where others may change what root runs: ${first#"$root"}" rm -rf -- "$(at "$venv")"
    fi
    # A service user cannot reach an interpreter in somebody's home, hence --system.
    if [[ -n "$first" ]] || ! installed runtime requirements.txt; then
        run "make $venv with the packages of requirements.txt" "$source/tools/venv" "$(at "$venv")" runtime --system
        outdated=yes
    fi
    # By themselves: a machine for which one of these cannot be had still reads its batteries.
    if [[ -n "$first" ]] || ! installed bot requirements-bot.txt; then
        run "add the packages of the bot (requirements-bot.txt)" "$source/tools/venv" "$(at "$venv")" bot --system ||
            no_packages=yes
    fi
}

compiled() { # the service may not write there: without this it would compile at each start
    local folder
    folder="$(at "$prefix")/jk_bms"
    if [[ -z "$in_place" && -d "$folder" && -n "$(of_others "$folder" -path '*/__pycache__*' -print -quit)" ]]; then
        run "remove what others compiled in $prefix/jk_bms" \
            find "$folder" -depth -name __pycache__ -exec rm -rf -- {} +
        outdated=yes
    fi
    if [[ -n "$in_place" || (-z "$outdated" && -d "$(at "$prefix")/jk_bms/__pycache__") ]]; then
        return
    fi
    run "compile the code in $prefix/jk_bms" "${given_venv:-$(at "$venv")}/bin/python" -I -m compileall -q \
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
}

# ---- settings and state --------------------------------------------------------------------------

settings() {
    if [[ "$settings_dir" == "$CONFIG" || "$registry" == "$CONFIG"/* ]]; then
        have_folder "$CONFIG" 2750 root
    fi
    if [[ "$settings_dir" != "$CONFIG" ]]; then
        say "settings: $settings_dir/.env is used as it is"
    fi
    [[ -e "$(at "$settings_dir/.env")" ]] || put "$source/.env.example" "$settings_dir/.env" 0640 "$NAME"
    # An installed copy brings no registry along: nothing may overwrite the one in use.
    [[ -e "$(at "$registry")" || ! -e "$source/jk_devices.yaml" ]] ||
        put "$source/jk_devices.yaml" "$registry" 0640 "$NAME"
    have_folder "$STATE" 2770 "$NAME"
}

# ---- what systemd lets it do ----------------------------------------------------------------------

ours_by_mark() { # FILE: of install.sh's own, not a unit
    [[ -f "$(at "$1")" && ! -L "$(at "$1")" ]] && grep -qF "Part of $NAME (install.sh" "$(at "$1")"
}
foreign() { [[ -e "$(at "$1")" || -L "$(at "$1")" ]] && ! ours_by_mark "$1"; } # FILE

repair_rule() {
    local wanted
    if foreign "$RULE"; then
        say "repairs: $RULE is not ours and is left as it is"
        return
    elif [[ -n "$repairs" || -e "$(at "$RULE")" ]]; then
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

inside() { [[ "$1" == "$2" || "$1" == "${2%/}"/* ]]; } # PATH FOLDER
at_home() { [[ "$1" =~ ^/(home|root|run/user)(/|$) ]]; }
folder_of() { [[ -z "$1" ]] || dirname "$1"; } # PATH, or nothing

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
        if [[ "$line" == Documentation=* && -n "$beside" ]]; then
            continue # its pages are not installed there, and README.md is another program's
        elif [[ "$line" == SupplementaryGroups=bluetooth && -n "$db_group" ]]; then
            say "$line $db_group" # of the inverter's folder, for the time of the service only
        elif [[ "$line" == Environment=PYTHONDONTWRITEBYTECODE=* && -n "$shared" ]]; then
            say "$line"
            say "Environment=JK_ENV_SHARED=true"
        elif [[ "$line" == ConfigurationDirectory* && "$settings_dir" != "$CONFIG" ]]; then
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
    [[ -z "$shared" ]] || say "JK_ENV_SHARED=true"
    ! command_is_foreign >/dev/null || say "JK_UTIL=sudo $venv/bin/python $prefix/jk_bms/jk-util.py"
}

command_script() {
    cat <<END
#!/bin/sh
# Part of $NAME (install.sh): the tool, from anywhere.
exec $venv/bin/python $prefix/jk_bms/jk-util.py "\$@"
END
}

command_is_foreign() { # says which; ours in /usr/local/bin would hide another's in /usr/bin
    local path
    for path in "$COMMAND" /usr/local/sbin/jk-util /usr/sbin/jk-util /usr/bin/jk-util; do
        if foreign "$path"; then
            printf '%s' "$path"
            return 0
        fi
    done
    return 1
}

live_systemd() { [[ -z "$root" && -d /run/systemd/system ]]; }

# The bot's unit of an earlier version makes room: that name is the inverter program's.
retire_old_bot() {
    local link="$UNITS/multi-user.target.wants/${OLD_BOT_UNIT##*/}"
    of_earlier_version "$(at "$OLD_BOT_UNIT")" || return 0
    ! live_systemd || run "stop ${OLD_BOT_UNIT##*/}, which is $BOT now" systemctl stop "${OLD_BOT_UNIT##*/}"
    run "remove $OLD_BOT_UNIT, which is $BOT now" rm -f -- "$(at "$OLD_BOT_UNIT")"
    [[ "$(readlink -- "$(at "$link")")" != "$OLD_BOT_UNIT" ]] || run "remove $link" rm -f -- "$(at "$link")"
    [[ ! -d "$(at "$OLD_BOT_UNIT.d")" ]] || say "kept: $OLD_BOT_UNIT.d; what is yours in it belongs into $BOT_UNIT.d"
}

has_battery() {
    local key
    grep -qE '^[^#]*([[:xdigit:]]{2}[:-]){5}[[:xdigit:]]{2}' "$(at "$registry")" 2>/dev/null && return
    for key in JK_BMS_ADDRESS DEVICE_MAC; do
        [[ -z "$(env_value "$key" "$(at "$settings_dir/.env")")" ]] || return 0
    done
    return 1
}

started() { # UNIT: start it, or tell where it says why not
    run "start $1" systemctl restart "$1" || say "check: $1 did not start: journalctl -u $1 -n 20 tells why"
}

units() {
    local before=$changes theirs newer=""
    retire_old_bot
    render "$NAME" "$(folder_of "$db_path")" >"$scratch/unit"
    put "$scratch/unit" "$UNIT" 0644
    if [[ -z "$foreign_bot_unit" ]]; then
        render "$BOT" "$(folder_of "$log_path")" >"$scratch/bot-unit"
        put "$scratch/bot-unit" "$BOT_UNIT" 0644
    fi
    if [[ -z "$foreign_web_unit" ]]; then
        render "$WEB" "" >"$scratch/web-unit"
        put "$scratch/web-unit" "$WEB_UNIT" 0644
    fi
    places >"$scratch/places"
    put "$scratch/places" "$prefix/.$NAME-places" 0644
    if theirs="$(command_is_foreign)"; then
        say "command: $theirs is not ours and is left as it is; use sudo $venv/bin/python $prefix/jk_bms/jk-util.py"
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
    [[ ! "$settings_dir/.env" -nt "/run/$NAME/poller.sock" ]] || newer=yes # settings changed since the start
    if systemctl is-active --quiet "$NAME"; then
        if ((changes)) || [[ -n "$newer" ]]; then started "$NAME"; fi
    else
        started "$NAME" # without a battery too: it waits for one
    fi
    if [[ -z "$(why_no_page)" ]]; then
        systemctl is-enabled --quiet "$WEB" 2>/dev/null || run "start the page at boot" systemctl enable --quiet "$WEB"
        if ((changes)) || [[ -n "$newer" ]] || ! systemctl is-active --quiet "$WEB"; then
            started "$WEB"
        fi
    fi
    if [[ -z "$(why_no_bot)" ]]; then
        systemctl is-enabled --quiet "$BOT" 2>/dev/null || run "start the bot at boot" systemctl enable --quiet "$BOT"
        if ((changes)) || [[ -n "$newer" ]] || ! systemctl is-active --quiet "$BOT"; then
            started "$BOT"
        fi
    fi
}

token_key() { if [[ -n "$shared" ]]; then echo BMS_BOT_TOKEN; else echo TELEGRAM_BOT_TOKEN; fi; }

# What keeps the page from being started, and what to do about it; nothing when it may run.
why_no_page() {
    if [[ -n "$foreign_web_unit" ]]; then
        say "$foreign_web_unit is not ours and is left as it is"
    elif [[ -n "$given_venv" ]] && ! "$given_venv/bin/python" -I -c '
import importlib.util, sys
sys.exit(importlib.util.find_spec("uvicorn") is None)' 2>/dev/null; then
        say "$given_venv has no uvicorn; install requirements.txt there and run this again"
    fi
}

# What keeps the bot from being started, and what to do about it; nothing when it may run.
why_no_bot() {
    if [[ -n "$foreign_bot_unit" ]]; then
        say "$foreign_bot_unit is not ours and is left as it is"
    elif [[ -n "$no_packages" ]]; then
        say "its packages could not be installed (the reason stands above); the batteries are read without it"
    elif [[ -n "$given_venv" ]] && ! "$given_venv/bin/python" -I -c '
import importlib.util, sys
sys.exit(importlib.util.find_spec("aiogram") is None)' 2>/dev/null; then
        say "$given_venv has no aiogram; install requirements-bot.txt there and run this again"
    elif [[ -z "$token" && -n "$shared" && -n "$(env_value TELEGRAM_BOT_TOKEN "$(at "$settings_dir/.env")")" ]]; then
        say "the program in $settings_dir has a bot too, and two must not share a token:" \
            "ask @BotFather for another, set BMS_BOT_TOKEN in $settings_dir/.env and run this again"
    elif [[ -z "$token" ]]; then
        say "it has no token: ask @BotFather for one, set $(token_key) in $settings_dir/.env and run this again"
    fi
}

# ---- can it work? --------------------------------------------------------------------------------

service_can() { # as the unit runs it
    local groups=(-g "$NAME" -G "$NAME")
    [[ -z "$db_group" ]] || groups+=(-G "$db_group")
    runuser -u "$NAME" "${groups[@]}" -- test "$@"
}

# Whether it may do so in FOLDER. Of a home it sees that folder alone, so who may enter the home is no matter.
service_can_in() ( # FOLDER TEST NAME
    if at_home "$1"; then
        cd -- "$1" && service_can "$2" "./$3"
    else
        service_can "$2" "$1/$3"
    fi
)

poller_check() {
    has_battery || say "service: no battery yet: $(tool_command) --scan; what it saves is read at once"
}

page_check() {
    local why
    why="$(why_no_page)"
    [[ -z "$why" ]] || say "page: not started: $why"
}

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
    poller_check
    page_check
    bot_checks
    if [[ -z "$db_path" ]]; then
        if [[ "$(env_value BMS_STANDALONE_ROWS "$(at "$settings_dir/.env")")" =~ ^([tT][rR][uU][eE]|[yY][eE][sS]|[oO][nN]|1)$ ]]; then
            return # then the records lie in the state folder
        fi
        say "check: $settings_dir/.env names no database: set DB_PATH to the inverter program's, or" \
            "BMS_STANDALONE_ROWS=true in a house without such a program, and run this again"
        return
    fi
    local dir group file
    dir="$(dirname "$db_path")"
    if [[ -n "$root" ]] || ! getent passwd "$NAME" >/dev/null; then
        say "check: not checked whether user $NAME can write $db_path: there is no such user here"
        return
    fi
    if ! service_can_in "$settings_dir" -r .env; then
        group="$(stat -c %G "$settings_dir/.env")"
        if [[ -n "$db_group" && "$group" == "$db_group" ]]; then # the service is in it: it stays the other program's
            say "check: user $NAME cannot read $settings_dir/.env: sudo chmod g+r $settings_dir/.env"
        else
            say "check: user $NAME cannot read $settings_dir/.env: sudo chgrp $NAME $settings_dir/.env && sudo chmod g+r $settings_dir/.env"
        fi
    fi
    if [[ ! -d "$dir" ]]; then
        say "check: $dir does not exist yet; once the inverter program has made it, run this again"
        return
    fi
    group="$(stat -c %G "$dir")"
    if ! service_can_in "$dir" -x .; then
        say "check: user $NAME cannot enter $dir: sudo chmod o+x on it and on the folders above it that lack it"
    fi
    if [[ -z "$db_group" ]]; then # joining root's group, say, would open far more than this folder
        group=$NAME
        service_can_in "$dir" -w . || say "check: user $NAME cannot write in the folder $dir (SQLite needs it for its journal):" \
            "sudo chgrp $NAME $(printf %q "$dir") && sudo chmod g+rwxs $(printf %q "$dir")"
    else
        service_can_in "$dir" -w . || say "check: user $NAME cannot write in the folder $dir (SQLite needs it for its journal):" \
            "it is in group $group now, so: sudo chmod g+rwxs $(printf %q "$dir")"
    fi
    for file in "$db_path" "$db_path-wal" "$db_path-shm"; do
        if [[ -e "$file" ]] && ! { service_can_in "$dir" -w "${file##*/}" && service_can_in "$dir" -r "${file##*/}"; }; then
            say "check: user $NAME cannot write $file:" \
                "sudo chgrp $group $(printf %q "$file") && sudo chmod g+rw $(printf %q "$file")"
        fi
    done
    [[ -e "$db_path" ]] || say "check: $db_path does not exist yet; the service waits for it"
}

# ---- the two actions -----------------------------------------------------------------------------

# What an earlier version put into a folder where the code must not stay.
move_out() {
    local settings_now=$settings_dir prefix_now=$prefix
    [[ -n "$earlier" && -f "$(at "$earlier")/.$NAME-files" ]] || return 0
    prefix=$earlier
    read_list "$(at "$earlier")/.$NAME-files"
    withdraw
    prefix=$prefix_now settings_dir=$settings_now beside=""
}

install_all() {
    code
    users
    settings
    environment
    compiled
    repair_rule
    units
    move_out
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
$(what_next)
END
    page_code
}

# The way to a page without a password, for the phone that looks on; a log has no use for it, and should not hold it.
page_code() {
    if [[ -t 1 && -z "$(why_no_page)" ]] && live_systemd; then
        say ""
        "$venv/bin/python" "$prefix/jk_bms/jk-util.py" invite --web --first || true # the page says how as well
    fi
}

# Take everything of ours out of the prefix.
withdraw() {
    local path
    sort_out "${!ours[@]}"
    ((${#gone[@]} == 0)) || run "remove ${#gone[@]} files from $prefix" remove_files "${gone[@]}"
    for path in "$prefix/.venv" "$prefix/.venv-jkbms"; do
        if [[ -z "$in_place" && ! -L "$(at "$path")" ]] && made_there "$(at "$path")"; then
            run "remove $path" rm -rf -- "$(at "$path")" "$(at "$path").lock"
        fi
    done
    for path in "$prefix/.$NAME-files" "$prefix/.$NAME-places"; do
        if [[ -f "$(at "$path")" && ! -L "$(at "$path")" ]]; then
            run "remove $path" rm -f -- "$(at "$path")"
        fi
    done
    if [[ -z "$dry" && -d "$(at "$prefix")" ]]; then
        rmdir -- "$(at "$prefix")" 2>/dev/null || true
    fi
}

# Whether tools/venv made an environment, in this very place: its stamp names it.
made_there() { [[ -f "$1/.$NAME-runtime" && "$(head -n 1 -- "$1/.$NAME-runtime")" == "$1" ]]; } # FOLDER

tool_command() { # how the owner calls the tool
    if command_is_foreign >/dev/null; then say "sudo $venv/bin/python $prefix/jk_bms/jk-util.py"; else say "sudo jk-util"; fi
}

what_next() {
    local jk_util again="sudo $prefix/install.sh"
    jk_util="$(tool_command)"
    [[ -z "$beside" ]] || again="sudo $(printf %q "$source")/install.sh --prefix $prefix"
    [[ -z "$given_venv" ]] || again+=" --venv $given_venv"
    if ! has_battery; then
        cat <<END
  $jk_util --scan
      finds the batteries
END
    fi
    cat <<END
  sudo nano $settings_dir/.env
      DB_PATH, or BMS_STANDALONE_ROWS=true where no inverter program runs; $(token_key) for the bot
  $again
      again, after each change there: fits the services to the settings and starts them
  $jk_util status
      how it does, and where the page is; or watch the log: journalctl -fu $NAME (the page: -u $WEB, the bot: -u $BOT)
END
}

uninstall() {
    local each path
    retire_old_bot
    if live_systemd; then
        for each in "$WEB" "$BOT" "$NAME"; do
            our_unit "$UNITS/$each.service" || continue
            systemctl is-active --quiet "$each" 2>/dev/null && run "stop $each" systemctl stop "$each"
            systemctl is-enabled --quiet "$each" 2>/dev/null && run "start $each no more at boot" systemctl disable --quiet "$each"
        done
    else
        say "service: systemd does not run here: nothing to stop"
    fi
    for path in "$UNIT" "$BOT_UNIT" "$WEB_UNIT"; do
        if our_unit "$(at "$path")"; then
            run "remove $path" rm -f -- "$(at "$path")"
        elif [[ -e "$(at "$path")" || -L "$(at "$path")" ]]; then
            say "kept: $path, because it is not ours"
        fi
    done
    if live_systemd && ((changes)); then
        run "let systemd forget the units" systemctl daemon-reload
    fi
    for path in "$COMMAND" "$RULE"; do
        if ours_by_mark "$path"; then
            run "remove $path" rm -f -- "$(at "$path")"
        fi
    done
    withdraw
    [[ -z "$in_place" ]] || say "kept: $prefix, because it is the clone itself"
    ((${#kept[@]} == 0)) || say "kept in $prefix, because they were changed since: ${kept[*]}"
    for path in "$settings_dir/.env" "$registry" "$STATE" "/var/log/$NAME"; do
        [[ ! -e "$(at "$path")" ]] || say "kept: $path"
    done
    if [[ -z "$root" ]] && getent passwd "$NAME" >/dev/null; then
        say "kept: user $NAME in the groups $(id -nG "$NAME") (remove: sudo userdel $NAME)"
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
    cd / # where this was called may be removed below, and holds modules that a Python as root must not meet
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
