#!/usr/bin/env bash
# Fails when a message of the command line has no translation, or a translation no message.
# Usage: tests/unit/interface/translations_complete.sh   (from the project's root)
set -euo pipefail
pot=$(mktemp)
trap 'rm -f "$pot"' EXIT
xgettext --language=C++ --from-code=UTF-8 --keyword=tr --keyword=trf --keyword=trn:1,2 -o "$pot" src/interface/*.cpp
for catalogue in po/*.po; do
  msgfmt --check-format -o /dev/null "$catalogue"
  msgcmp "$catalogue" "$pot"
  extra=$(msgcomm --more-than=0 --unique "$catalogue" "$pot" 2>/dev/null | grep -c '^msgid "..*"' || true)
  ((extra == 0)) || { echo "$catalogue holds $extra messages that the program does not have" >&2; exit 1; }
done
