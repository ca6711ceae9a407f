/** What can go wrong with the views: environment failures, told apart by code. */

export type ViewsErrorCode =
  /** The group has no such claim, or the node no such group. */
  | 'not_found'
  /** The node was closed, or the views were. */
  | 'views_closed'
  /** The thread of the views ended, or its file could not be used; asking again starts it anew. */
  | 'views_failed'
  /** Whoever asked took the question back. */
  | 'cancelled'
  /** Too many questions wait already. */
  | 'views_busy'
  /** The query is not one that may run: not SQL, not a single SELECT, or of something that is not a documented view. */
  | 'sql_invalid'
  /** The query took longer than it may, or more memory, and was stopped. */
  | 'sql_stopped';

export class ViewsError extends Error {
  override readonly name = 'ViewsError';
  readonly code: ViewsErrorCode;

  constructor(code: ViewsErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
