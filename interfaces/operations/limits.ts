/** Limits of what operations take, where it is not part of a transaction: what is has its limits in `events/`. */

/** An id, a name, or a prefix of one. The longest id is a task's, of 256 characters. */
export const ID_CHARACTERS_MAX = 512;
/** A cursor of the event stream names up to 256 groups, of some 60 characters each. */
export const CURSOR_CHARACTERS_MAX = 32_768;
/** A join code with all the addresses that it may have takes a tenth of it. */
export const CODE_CHARACTERS_MAX = 8_192;
/** A proof has at most 144 KiB, in base64. */
export const PROOF_CHARACTERS_MAX = 262_144;
/** What is offered for sale as text: all that a request over HTTP or a line over MCP can hold. */
export const CONTENT_CHARACTERS_MAX = 8_388_608;
