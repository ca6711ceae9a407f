/** Those who wait until a group is as new as a source, each for a time of its own. */
export class LevelWaits {
  private readonly waits = new Set<(isLevel: boolean) => void>();

  /** Resolves with what `end` is told, or with false when the time is over. */
  wait(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isLevel: boolean): void => {
        clearTimeout(timer);
        this.waits.delete(end);
        resolve(isLevel);
      };
      const timer = setTimeout(() => end(false), withinMs);
      this.waits.add(end);
    });
  }

  /** Ends all waits. */
  end(isLevel: boolean): void {
    for (const end of this.waits) end(isLevel);
  }
}
