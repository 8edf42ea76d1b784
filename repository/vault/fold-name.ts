/** What a file system without case and with one Unicode form takes a name for. Names that fold alike collide there. */
export function foldName(name: string): string {
  return name.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC');
}
