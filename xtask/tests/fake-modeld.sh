#!/bin/sh
# Stands in for modeld in the tests of the demo: its command line, and nothing behind it.
#
# The owner's process id and epoch are files in the data root. What goes wrong, if anything, is said by the prompt
# for the client and by FAKE_SERVE for the owner and the standby. Every process notes its id in FAKE_PIDS.
set -eu
echo $$ >>"$FAKE_PIDS"

command=$1
shift
standby=no
tokens=0
while [ $# -gt 0 ]; do
  case $1 in
    --data-root) root=$2; shift ;;
    --max-tokens) tokens=$2; shift ;;
    --temperature | --ttl) shift ;;
    --standby) standby=yes ;;
    --) prompt=$3; break ;;
  esac
  shift
done

own() {
  echo $$ >"$root/owner"
  echo "$1" >"$root/epoch.new"
  mv "$root/epoch.new" "$root/epoch"
  echo "{\"event\":\"owner\",\"epoch\":$1,\"instance\":\"i$1\",\"endpoint\":\"unix:$root/s\",\"pid\":$$,\"boot_ns\":1}"
  exec sleep 600
}

serve() {
  mode=${FAKE_SERVE:-}
  if [ "$standby" = no ]; then
    if [ "$mode" = owner-fails ]; then
      echo "error: the data root can't be written" >&2
      exit 4
    fi
    own 1
  fi
  echo '{"event":"standby","holder":{"epoch":1}}'
  while kill -0 "$(cat "$root/owner")" 2>/dev/null; do sleep 0.01; done
  if [ "$mode" = standby-fails ]; then
    echo "error: the lease file is corrupt" >&2
    exit 5
  fi
  if [ "$mode" = epoch-stays ]; then own 1; fi
  own 2
}

say() {
  echo "{\"event\":\"text\",\"epoch\":$1,\"text\":\" w$2\",\"index\":$2}"
  text="$text w$2"
}

client() {
  epoch=1
  owner=$(cat "$root/owner")
  text=
  echo '{"event":"open","epoch":1,"instance":"i1"}'
  index=0
  while [ "$index" -lt "$tokens" ]; do
    if [ "$epoch" = 1 ] && ! kill -0 "$owner" 2>/dev/null; then
      while [ "$(cat "$root/epoch")" = 1 ]; do sleep 0.01; done
      epoch=2
      echo '{"event":"owner_changed","from_epoch":1,"to_epoch":2,"gap_ms":1.5}'
      case $prompt in
        skip) index=$((index + 1)) ;;
        stale) say 2 $index; index=$((index + 1)); say 1 $index; index=$((index + 1)) ;;
      esac
    fi
    say $epoch $index
    index=$((index + 1))
    case $prompt in
      die) echo "error: the pipe broke" >&2; exit 3 ;;
      hang) exec sleep 600 ;;
      *) sleep 0.01 ;;
    esac
  done
  echo "{\"text\":\"$text\",\"tokens\":$tokens,\"reused\":0,\"prefilled\":7,\"finish_reason\":\"length\",\"epoch\":$epoch,\"epochs\":[1,2],\"stale_items\":0}"
}

case $command in
  serve) serve ;;
  run) client ;;
esac
