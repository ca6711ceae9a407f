/** What the node and the thread of the views say to each other. */
import type { MomentEvent } from '../events/bus.ts';
import type { Hex32 } from '../events/bytes.ts';
import type { Durability } from '../storage/environment.ts';
import type { ViewsErrorCode } from './errors.ts';
import type { EmbedderOptions } from './meaning/embedder.ts';
import type {
  ClaimPage,
  ContextAnswer,
  ContextQuestion,
  EconomyAnswer,
  EconomyQuestion,
  TaskAnswer,
  TaskQuestion,
  TreasuryAnswer,
  TreasuryQuestion,
  UnreadAnswer,
  ViewProgress,
  WhyAnswer,
} from './questions.ts';
import type { Standing } from './standings.ts';
import type { Place } from './threads.ts';

/** What an operator should know of the views. */
export type ViewsNotice = Extract<MomentEvent, { kind: `views.${string}` }>;

/** What the thread is started with. */
export interface ThreadData {
  /** The LMDB environment. */
  readonly chain: string;
  /** Where the files of the views lie. */
  readonly views: string;
  /** The file that says how far each identity has read. */
  readonly readMarks: string;
  readonly durability: Durability;
  readonly embedder: EmbedderOptions;
}

/** Every question with its answer. */
export interface Questions {
  context: { question: ContextQuestion; answer: ContextAnswer };
  tasks: { question: TaskQuestion; answer: TaskAnswer };
  why: { question: { claim: Hex32; nodesMax?: number }; answer: WhyAnswer };
  thread: { question: { claim: Hex32; after?: Hex32; limit: number }; answer: ClaimPage };
  news: { question: { after?: Place; limit: number }; answer: ClaimPage };
  unread: { question: { reader: Hex32; readUpTo?: Place }; answer: UnreadAnswer };
  economy: { question: EconomyQuestion; answer: EconomyAnswer };
  treasury: { question: TreasuryQuestion; answer: TreasuryAnswer };
  progress: { question: object; answer: ViewProgress };
  /** Makes everything of the group again beside its file, and compares; what differs is made again. */
  compare: { question: object; answer: { readonly differs?: string } };
  /** The file turned out to be damaged elsewhere: it is made again. */
  recover: { question: { reason: string }; answer: ViewProgress };
}
export type QuestionKind = keyof Questions;

/** A question on its way. */
export interface Ask<K extends QuestionKind = QuestionKind> {
  readonly id: number;
  readonly kind: K;
  readonly groupId: Hex32;
  readonly question: Questions[K]['question'];
  /** How long to wait for the views to come up to the head of the log, milliseconds. */
  readonly waitMs: number;
}

export type ToThread =
  | { readonly type: 'ask'; readonly ask: Ask }
  /** These groups have grown, and texts of those came late; answered by `caughtUp`, and not said again before that. */
  | {
      readonly type: 'heads';
      readonly groupIds: readonly Hex32[];
      readonly withTexts: readonly Hex32[];
    }
  /** Whoever asked this does not wait any more; nothing comes back. */
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'close' };

export type FromThread =
  | { readonly type: 'answer'; readonly id: number; readonly answer: Questions[QuestionKind]['answer'] }
  | { readonly type: 'failed'; readonly id: number; readonly code: ViewsErrorCode; readonly message: string }
  | { readonly type: 'caughtUp' }
  | { readonly type: 'standing'; readonly standing: Standing }
  | { readonly type: 'notice'; readonly notice: ViewsNotice };
