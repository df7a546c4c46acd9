/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the flame graph page, as they are, inside the exporter (exporters/html.c).
 */
	.section .rodata

.macro part name, file
	.global page_\name
	.global page_\name\()_end
page_\name:
	.incbin "\file"
page_\name\()_end:
	.byte 0
.endm

	part html, "exporters/page/page.html"
	part css, "exporters/page/page.css"
	part js, "exporters/page/page.js"

	.section .note.GNU-stack, "", %progbits
