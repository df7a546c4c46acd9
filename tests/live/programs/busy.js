// SPDX-License-Identifier: Apache-2.0
// A JavaScript program under load: interpreted and compiled code, closures, JSON, regular
// expressions, sorting with a callback, promises. Runs until it is killed.
'use strict';

function fibonacci(n) {
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

function roundTrip() {
	const data = Array.from({ length: 200 }, (_, i) => ({ id: i, name: `record ${i}`, half: i / 2 }));
	return JSON.parse(JSON.stringify(data)).map((r) => r.name).join().length;
}

function order() {
	const values = Array.from({ length: 2000 }, (_, i) => (i * 7919) % 2003);
	return values.sort((a, b) => b - a).filter((v) => v % 3).reduce((a, b) => a + b, 0);
}

function substitute() {
	return 'a1 b22 c333 '.repeat(200).replace(/\d+/g, (d) => String(Number(d) + 1)).length;
}

function descend(n, work) {
	return n === 0 ? work() : descend(n - 1, work);
}

async function forever() {
	for (let round = 0; ; round++) {
		fibonacci(18);
		for (const job of [roundTrip, order, substitute])
			descend(round % 60, job);
		if (round % 50 === 0)
			await new Promise((resolve) => setImmediate(resolve));
	}
}

forever();
