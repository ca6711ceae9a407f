/**
 * The bounds of the network: what one peer can cost this node. They are policy, not protocol (a node may be
 * stricter), except for the sizes of frames, which both ends must accept.
 */
import { ANNOUNCEMENT_BYTES_MAX } from '../events/announcement.ts';
import { BLOCK_BYTES_MAX, TRANSACTION_BYTES_MAX } from '../events/limits.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A request: a batch of transactions with their artifacts. Declared lengths above it end the stream. */
export const REQUEST_BYTES_MAX = 2 * MIB;
/** An answer: a batch of artifacts, of which one may be as large as the largest. */
export const RESPONSE_BYTES_MAX = 4 * MIB;
/** A frame of a sync stream holds one block. */
export const SYNC_FRAME_BYTES_MAX = BLOCK_BYTES_MAX;
/** Where serving stops to fill a batch of artifacts. */
export const ARTIFACT_BATCH_BYTES = 1 * MIB;
/** The texts of claims are short: more of them fill a batch than of any other artifact. */
export const ARTIFACTS_PER_REQUEST_MAX = 2_048;
/** The largest artifact that an answer carries: larger packages go from hand to hand. */
export const ARTIFACT_BYTES_MAX = 3 * MIB;
/** Of a package, per answer: the largest one takes 34 requests, which the rate of requests allows. */
export const PACKAGE_PART_BYTES_MAX = 3 * MIB;
/** How long a part of a package may take: at half a megabit. */
export const PACKAGE_PART_TIMEOUT_MS = 60_000;
/** How long what came of a package that broke off is kept, to go on from there. */
export const PARTIAL_PACKAGE_MS = 24 * 3_600_000;
/** Peers that are asked for one package, or about one purchase. */
export const MARKET_PEERS_MAX = 16;
/** How long a buyer waits for what is new in the group before saying that an offer is not there. */
export const CATCH_UP_MS = 5_000;
/** Hand-overs of the sealing that somebody follows who has not the history: one a day for years. */
export const HAND_OVERS_MAX = 1_024;
/** Of their proofs, per answer. */
export const HAND_OVERS_PER_ANSWER_MAX = 8;
/** Transactions of one request: with 100 requests a minute, 6,400 a minute from each peer. */
export const TRANSACTIONS_PER_REQUEST_MAX = 64;
/** Pages of lists. */
export const GROUPS_PER_PAGE_MAX = 64;
export const OFFERS_PER_PAGE_MAX = 64;
export const PEERS_PER_ANSWER_MAX = 32;
export const ANNOUNCEMENTS_PER_PAGE_MAX = 64;
/** Identities that one node may act for at once. */
export const IDENTITIES_PER_PEER_MAX = 32;

/** Received and not yet read, per stream: above it the sender is paused. */
export const STREAM_BUFFER_BYTES = 1 * MIB;
/** What the muxer lets a peer send ahead on one stream. With the buffer above, what one stream can cost. */
export const STREAM_WINDOW_BYTES = 1 * MIB;
/** Blocks are put together into writes of about this size: a frame each would cost more than the block. */
export const SEND_BATCH_BYTES = 256 * KIB;

/** A checkpoint is held in memory until it has been checked; a larger state is followed from block 0. */
export const CHECKPOINT_BYTES_MAX = 256 * MIB;
/** A group with more blocks than this is begun at a checkpoint; fewer are judged in seconds. */
export const CHECKPOINT_BLOCKS_MIN = 20_000;

export const REQUEST_TIMEOUT_MS = 10_000;
/** A frame of a sync stream must be complete after this: 4 MiB at half a megabit. */
export const SYNC_STALL_MS = 60_000;
/** A source that gives less in that time, while it has more, is left for another: two kilobits a second. */
export const SYNC_PACE_BYTES_MIN = 16 * KIB;
export const DIAL_TIMEOUT_MS = 8_000;

export const CONNECTIONS_MAX = 300;
export const CONNECTIONS_PER_ADDRESS_MAX = 10;
export const CONNECTIONS_PER_PEER_MAX = 4;
/** Of the connections, those that strangers may have; the rest is kept for members of shared groups. */
export const STRANGERS_MAX = 200;
/** Keys are free and addresses of a block nearly so: strangers from one /24 or /64, and handshakes under way there. */
export const STRANGERS_PER_BLOCK_MAX = 32;
export const UNPROVED_PER_BLOCK_MAX = 16;
/** Of IPv6 a site (/48) has 65,536 blocks: it may have so many times as much as one of them. */
export const SITE_FACTOR = 2;
/** Handshakes under way at once, of all addresses, and how long each may take. */
export const HANDSHAKES_MAX = 64;
export const HANDSHAKE_TIMEOUT_MS = 5_000;
/** New connections per second from one address. */
export const CONNECTION_RATE_MAX = 20;
/** Streams that a peer may have open on one connection: of all protocols, and of the two of our own. */
export const STREAMS_PER_CONNECTION_MAX = 64;
export const RPC_STREAMS_PER_CONNECTION_MAX = 16;
export const SYNC_STREAMS_PER_CONNECTION_MAX = 4;

export const REQUESTS_PER_MINUTE_MAX = 100;
/** All strangers from one site may ask so many times as often as one of them: who has an address has any number of keys. */
export const REQUESTS_PER_SITE_FACTOR = 4;
/** Sync streams are cheap to refuse and needed often; a follower opens at most four a second. */
export const SYNCS_PER_MINUTE_MAX = 300;

/** New streams of a stranger, of whatever protocol; more than all its requests and syncs can take. */
export const STREAMS_PER_MINUTE_MAX = 1_000;
/**
 * Gossip of one peer, in calls that carry orders of the mesh: an honest one sends a few a second. Messages count less
 * (GOSSIP_MESSAGE_COST), those of topics that are not ours count fully, and those of a peer whom gossipsub itself has
 * come to ignore ten times.
 */
export const GOSSIP_PER_MINUTE_MAX = 6_000;
/** With the bound above, 2,000 messages a second from each peer. */
export const GOSSIP_MESSAGE_COST = 1 / 20;
export const GOSSIP_IGNORED_COST = 10;
/** A node of ten thousand groups tells each peer their topics. */
export const GOSSIP_SUBSCRIPTIONS_COST = 1 / 10;
/** Streams that a peer lets stand still until they are given up, each after ten seconds or more. */
export const STALLS_PER_MINUTE_MAX = 6;
/** Questions about groups that are none of the peer's: a newcomer asks a few before the block that adds it is here. */
export const QUESTIONS_OUTSIDE_PER_MINUTE_MAX = 12;
/** Rulings that no sealer known here has signed: of one who has just come to seal a few may be ahead of its block. */
export const FORGERIES_PER_MINUTE_MAX = 12;
/** Handshakes from one address that come to nothing: a monitor that looks whether the port is open may do so. */
export const HALF_OPEN_PER_MINUTE_MAX = 10;

/** The first ban; each further one is four times as long, up to a day. Guilt halves every ten minutes. */
export const BAN_MS_FIRST = 30_000;
export const BAN_MS_MAX = 24 * 3_600_000;
export const BAN_FACTOR = 4;
export const GUILT_HALF_LIFE_MS = 10 * 60_000;
/** Entries of each table that strangers can fill; the least recently used go first. */
export const PEER_TABLE_MAX = 4_096;
/** Peers that are remembered across starts. */
export const PEER_BOOK_MAX = 1_024;
/** Of those, peers that are no members and were never met, by the site of the address that was heard. */
export const HEARD_PER_BLOCK_MAX = 64;

export const SYNC_INTERVAL_MS = 300_000;
/** A group is not pulled more often than this, however often it is announced. */
export const SYNC_GAP_MS = 250;
export const BACKOFF_MS_FIRST = 500;
export const BACKOFF_MS_MAX = 60_000;
/** How long a submitter of this node waits for the sealer before its work counts as pending. */
export const RECEIPT_WAIT_MS = 10_000;
/** How long a sealer waits after a start for peers to show their heads. */
export const HEAD_COMPARISON_MS = 5_000;
export const BEAT_INTERVAL_MS = 60_000;
/** A sealer gives a sign of life this often at most; others are not taken, so that nobody can make many of one. */
export const SIGN_GAP_MS = 5_000;
/** Announcements are renewed, and handed to peers that are new, this often. */
export const ANNOUNCE_INTERVAL_MS = 10 * 60_000;
/** Evidence of each group that is kept; more of what stops nothing is not: a former sealer can make it without end. */
export const EVIDENCE_MAX = 64;
/** Announcements and beats are small; larger ones are not looked at. */
export const GOSSIP_BYTES_MAX = 2 * KIB;

function assertRelation(holds: boolean, relation: string): void {
  if (!holds) throw new Error(`protocol/limits.ts: ${relation} does not hold`);
}

assertRelation(
  TRANSACTION_BYTES_MAX + MIB < REQUEST_BYTES_MAX,
  'a transaction fits into a request with its artifact',
);
assertRelation(STRANGERS_MAX < CONNECTIONS_MAX, 'there are places that strangers cannot take');
assertRelation(SITE_FACTOR * UNPROVED_PER_BLOCK_MAX < HANDSHAKES_MAX, 'no site can have all handshakes');
assertRelation(
  SITE_FACTOR * STRANGERS_PER_BLOCK_MAX < STRANGERS_MAX,
  'no site can have all places of strangers',
);
assertRelation((SYNCS_PER_MINUTE_MAX / 60) * SYNC_GAP_MS > 1_000, 'an honest follower stays below the limit');
assertRelation(ARTIFACT_BATCH_BYTES + MIB < RESPONSE_BYTES_MAX, 'the last artifact of a batch fits');
assertRelation(
  ANNOUNCEMENT_BYTES_MAX + 128 < GOSSIP_BYTES_MAX,
  'an announcement fits into a message of gossip',
);
assertRelation(
  ANNOUNCEMENTS_PER_PAGE_MAX * (ANNOUNCEMENT_BYTES_MAX + 8) < REQUEST_BYTES_MAX,
  'a page of announcements fits into a request',
);
assertRelation(
  HAND_OVERS_PER_ANSWER_MAX * (TRANSACTION_BYTES_MAX + 16 * KIB) < RESPONSE_BYTES_MAX,
  'the proofs of hand-overs fit into an answer',
);
assertRelation(PACKAGE_PART_BYTES_MAX + KIB < RESPONSE_BYTES_MAX, 'a part of a package fits into an answer');

/** How long mDNS has to find a peer: it asks every two seconds, and an interface may have come up a moment ago. */
export const NEARBY_MS = 6_000;
