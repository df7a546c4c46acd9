/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unwind/expr.h"

static uint64_t binary(enum rows_opcode op, uint64_t a, uint64_t b)
{
	int64_t sa = (int64_t)a, sb = (int64_t)b;

	switch (op) {
	case ROWS_OP_ADD: return a + b;
	case ROWS_OP_SUB: return a - b;
	case ROWS_OP_MUL: return a * b;
	case ROWS_OP_AND: return a & b;
	case ROWS_OP_OR: return a | b;
	case ROWS_OP_XOR: return a ^ b;
	case ROWS_OP_SHL: return b < 64 ? a << b : 0;
	case ROWS_OP_SHR: return b < 64 ? a >> b : 0;
	case ROWS_OP_SHRA: return (uint64_t)(b < 64 ? sa >> b : sa >> 63);
	case ROWS_OP_EQ: return a == b;
	case ROWS_OP_NE: return a != b;
	case ROWS_OP_LT: return sa < sb;
	case ROWS_OP_LE: return sa <= sb;
	case ROWS_OP_GT: return sa > sb;
	case ROWS_OP_GE: return sa >= sb;
	default: return 0;
	}
}

bool expr_run(const struct rows_op *op, const struct arch_regs *regs, uint64_t cfa,
	      expr_read_fn read, const void *arg, uint64_t *ret)
{
	uint64_t stack[ROWS_STACK_MAX + 1], swap;
	int n = 0; /* rows_check() has proved that it stays within the stack */

	for (; op->op != ROWS_OP_END; op++) {
		switch (op->op) {
		case ROWS_OP_CONST:
			stack[n++] = (uint64_t)(int64_t)op->arg;
			break;
		case ROWS_OP_REG:
			if (!(regs->known >> op->reg & 1))
				return false;
			stack[n++] = regs->r[op->reg] + (uint64_t)(int64_t)op->arg;
			break;
		case ROWS_OP_CFA:
			stack[n++] = cfa;
			break;
		case ROWS_OP_DEREF:
			if (!read(arg, stack[n - 1], (unsigned)op->arg, &stack[n - 1]))
				return false;
			break;
		case ROWS_OP_ADD_CONST:
			stack[n - 1] += (uint64_t)(int64_t)op->arg;
			break;
		case ROWS_OP_DUP:
			stack[n] = stack[n - 1];
			n++;
			break;
		case ROWS_OP_DROP:
			n--;
			break;
		case ROWS_OP_SWAP:
			swap = stack[n - 1];
			stack[n - 1] = stack[n - 2];
			stack[n - 2] = swap;
			break;
		case ROWS_OP_OVER:
			stack[n] = stack[n - 2];
			n++;
			break;
		case ROWS_OP_NEG:
			stack[n - 1] = -stack[n - 1];
			break;
		case ROWS_OP_NOT:
			stack[n - 1] = ~stack[n - 1];
			break;
		default:
			stack[n - 2] = binary(op->op, stack[n - 2], stack[n - 1]);
			n--;
			break;
		}
	}
	*ret = stack[n - 1];
	return true;
}
