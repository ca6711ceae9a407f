/** Handing over what was bought: into a file, onto the screen, or to a machine. Only ever after it was checked. */
import type { CheckedDelivery, DeliveryFault } from '../../actors/market/desk.ts';
import type { Run } from './context.ts';
import { writeOutputStream } from './files.ts';
import { cleanText, count } from './text.ts';

export interface DeliveryOptions {
  readonly out?: string;
  readonly print?: boolean;
}

export const WHY_BAD: Readonly<Record<DeliveryFault, string>> = {
  key_does_not_open:
    'the sealed key does not open, which you can prove and have the money back: lb dispute-purchase',
  wrong_key:
    'the key is not the one that the offer promised, which you can prove and have the money back: lb dispute-purchase',
  package_missing: 'the package is not on this node yet',
  package_unfit:
    'the key is the one that the offer promised, and the package does not open with it, which no rule can judge',
  package_damaged: 'the package on this node is damaged; it has to be fetched again',
};

/** Writes a delivery to the file of `--out`, where there is one. */
export async function writeDelivery(run: Run<DeliveryOptions>, delivery: CheckedDelivery): Promise<void> {
  const { out } = run.options;
  if (out !== undefined) await writeOutputStream(run.terminal, out, delivery.content());
}

/** Writes to the file of `--out`, and prints what was made; with `--print` the content instead. */
export async function deliver(
  run: Run<DeliveryOptions>,
  delivery: CheckedDelivery,
  { out, print }: DeliveryOptions,
  made: Readonly<Record<string, unknown>>,
  forPeople: () => void,
): Promise<void> {
  await writeDelivery(run, delivery);
  if (print && !run.json) return printContent(run, delivery);
  const content = print ? (await whole(delivery)).toString('base64') : undefined;
  run.print({ ...made, bytes: delivery.bytes, out, content }, () => {
    forPeople();
    if (out !== undefined) run.out.line(`  Wrote ${count(delivery.bytes, 'byte')} to ${out}`);
  });
}

/** As it is into a pipe or a file; on a terminal, what could act on it is made visible. */
export async function printContent(run: Run, delivery: CheckedDelivery): Promise<void> {
  if (run.out.isTerminal) run.out.line(cleanText((await whole(delivery)).toString()));
  else for await (const piece of delivery.content()) run.out.write(piece);
}

export async function whole(delivery: CheckedDelivery): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of delivery.content()) pieces.push(piece);
  return Buffer.concat(pieces);
}
