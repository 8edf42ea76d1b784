/** What other people's programs say of an archive. A program that is not installed is left out; global set-up says so. */
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

function isInstalled(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
export const has = {
  unzip: isInstalled('unzip', '-v'),
  python: isInstalled('python3', '--version'),
  java: isInstalled('java', '-version'),
};

export interface ReadEntry {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

const pythonProgram = `
import hashlib, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    bad = archive.testzip()
    assert bad is None, bad
    print(json.dumps([{"name": i.filename, "size": i.file_size, "sha256": hashlib.sha256(archive.read(i)).hexdigest()} for i in archive.infolist()]))
`;

const javaProgram = `
import java.io.*; import java.security.*; import java.util.*; import java.util.zip.*;
class ReadZip {
  public static void main(String[] args) throws Exception {
    var out = new PrintStream(System.out, true, "UTF-8");
    try (var zip = new ZipInputStream(new BufferedInputStream(new FileInputStream(args[0])))) {
      for (ZipEntry entry; (entry = zip.getNextEntry()) != null; ) {
        var hash = MessageDigest.getInstance("SHA-256");
        long size = 0; var buffer = new byte[65536];
        for (int n; (n = zip.read(buffer)) > 0; size += n) hash.update(buffer, 0, n);
        out.println(size + " " + HexFormat.of().formatHex(hash.digest()) + " " + entry.getName());
      }
    }
  }
}`;

/** Reads the archive with every program there is; each must accept it. @returns what each found, by program */
export async function readWithOthers(file: string): Promise<Record<string, ReadEntry[]>> {
  const found: Record<string, ReadEntry[]> = {};
  const options = { maxBuffer: 64 * 2 ** 20 };
  if (has.unzip) await run('unzip', ['-tqq', file], options);
  if (has.python) {
    const { stdout } = await run('python3', ['-c', pythonProgram, file], options);
    found['python'] = JSON.parse(stdout) as ReadEntry[];
  }
  if (has.java) {
    const source = join(dirname(file), 'ReadZip.java');
    await writeFile(source, javaProgram);
    const { stdout } = await run('java', ['-Dsun.jnu.encoding=UTF-8', source, file], options);
    found['java'] = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [size = '', sha256 = '', ...name] = line.split(' ');
        return { name: name.join(' '), size: Number(size), sha256 };
      });
  }
  return found;
}
