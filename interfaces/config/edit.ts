/** Changes of config.json, one setting at a time, so that no change can leave a file that does not load. */
import { layoutOf } from '../../storage/directory.ts';
import { ConfigError, didYouMean, quoted } from './errors.ts';
import { readConfigFile, writeConfigFile } from './file.ts';
import { isSettingName, SETTING_NAMES, type SettingName, settingOf } from './schema.ts';

/** The setting of that name, in any of its spellings: `log_level`, `log-level`, `LB_LOG_LEVEL`. */
export function settingNamed(given: string): SettingName {
  const name = given.toLowerCase().replace(/^--/, '').replaceAll('-', '_').replace(/^lb_/, '');
  if (isSettingName(name)) return name;
  const problem = `there is no setting ${quoted(given)}${didYouMean(name, SETTING_NAMES)}`;
  throw new ConfigError('config_invalid', [problem]);
}

/**
 * Writes one value into config.json of `data`; everything else in it stays as it is.
 * @param text the value as it would be typed as a flag
 * @returns the value that counts now; a path in full, though one inside of `data` is written relative to it
 * @throws ConfigError
 */
export function setInFile(data: string, name: SettingName, text: string): unknown {
  const { config: file, root } = layoutOf(data);
  const { kind } = settingOf(name);
  const value = kind.fromText(text, root);
  if (value === undefined)
    throw new ConfigError('config_invalid', [`${name} cannot be ${quoted(text)}; it must be ${kind.what}`]);
  writeConfigFile(file, { ...readConfigFile(file), [name]: kind.toJson?.(value as never, root) ?? value });
  return value;
}

/**
 * Takes a key out of config.json of `data`, also one that is unknown: so a file that is refused can be mended.
 * @returns whether it was there
 * @throws ConfigError
 */
export function unsetInFile(data: string, key: string): boolean {
  const { config: file } = layoutOf(data);
  const content = readConfigFile(file);
  const found = Object.hasOwn(content, key) ? key : settingNamed(key);
  if (!Object.hasOwn(content, found)) return false;
  const { [found]: _, ...rest } = content;
  writeConfigFile(file, rest);
  return true;
}
