/** The call that is cut off, and sent again. */
export const KEY = 'sent again';
export const INPUT = { text: 'Said once, whatever happens.' };
