/** What a user's profile holds, as options give it. */
import { z } from 'zod';
import { isLanguageTag } from '../dam/settings/language-tag.js';
import { isTimeZone } from '../dam/settings/time-zone.js';

export const emailAddress = z.email('is not an e-mail address');
export const languageTag = z.string().refine(isLanguageTag, 'is no language tag, as "de" or "de-CH"');
export const timeZoneName = z.string().refine(isTimeZone, 'is no time zone, as "Europe/Zurich"');
