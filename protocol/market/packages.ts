/**
 * Which of the stored artifacts are packages. What no group has among its artifacts is one, and is for everybody: it
 * is worth nothing without its key.
 *
 * Strangers may ask for it, and a node may have ten thousand groups to look through: each answer is kept. It stays
 * true: bytes that were anybody's once are no secret of a group that names them later.
 */
import type { Hex32 } from '../../events/bytes.ts';
import type { NetworkPort } from '../port.ts';
import { BoundedMap } from '../rate-limit.ts';

const ANSWERS_MAX = 4_096;

export class PackageShelf {
  private readonly port: Pick<NetworkPort, 'store' | 'groupIds'>;
  private readonly answers = new BoundedMap<Hex32, boolean>(ANSWERS_MAX);

  constructor(port: Pick<NetworkPort, 'store' | 'groupIds'>) {
    this.port = port;
  }

  has(hash: Hex32): boolean {
    const { store } = this.port;
    if (!store.artifacts.has(hash)) return false;
    const known = this.answers.get(hash);
    if (known !== undefined) return known;
    const isPackage = !this.port.groupIds().some((id) => store.group(id).hasArtifact(hash));
    this.answers.set(hash, isPackage);
    return isPackage;
  }
}
