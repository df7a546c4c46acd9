#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The flame graph page in headless Chromium. PAGE_SHOTS=FOLDER keeps the screenshots.
. "$(dirname "$0")/lib.sh"

maker=$BUILD/tests/exporters/test_html
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || :)

if [ -z "$chromium" ]; then
	skip 'page: in a browser' 'no chromium here'
elif [ ! -x "$maker" ]; then
	not_ok 'page: in a browser' "$maker is not built (make unit)"
else
	"$maker" 20000 "$T/page.html" >"$T/facts"
	shots=${PAGE_SHOTS:-$T/shots}
	mkdir -p "$shots"
	while IFS= read -r line; do
		case $line in
		'ok - '*) ok "${line#ok - }" ;;
		'not ok - '*) not_ok "${line#not ok - }" ;;
		*) echo "$line" ;;
		esac
	done < <(PYTHONDONTWRITEBYTECODE=1 timeout 300 python3 tests/live/page.py check "$chromium" \
		"$T/page.html" "$T/facts" "$shots" 2>&1 || echo 'not ok - page: the test came to its end')
fi
plan
