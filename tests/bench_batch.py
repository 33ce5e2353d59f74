#!/usr/bin/env python3
"""bench_batch.py PROGRAMS [MPIEXEC]: batch beside what else makes small images of large ones.

The same JPEG files of 2000x1500, cut from the photograph of the earth, through the same steps: decoded,
resized to 800x600 by Lanczos (OpenCV, whose Lanczos does not antialias: area), sharpened by a 3x3 mask,
written as JPEG of quality 85; by 1 worker and by 2; all ways in turn in each round, medians of images a
second. What is started as a command is timed with its start; Python's without its imports. --quality: what
decoding smaller costs, in dB of PSNR to the resized picture before it was coded.
"""
import argparse
import concurrent.futures
import io
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from PIL import Image, ImageFilter

PHOTOGRAPH = '/usr/share/xplanet/images/earth.jpg'
MASK = (-2, -2, -2, -2, 32, -2, -2, -2, -2)


def make_files(folder, count, width, height):
    source = Image.open(PHOTOGRAPH).convert('RGB')
    dice = random.Random(1)
    for i in range(count):
        w = int(source.width * dice.uniform(0.4, 0.66))
        h = w * height // width
        x, y = dice.randrange(source.width - w + 1), dice.randrange(source.height - h + 1)
        image = source.resize((width, height), Image.LANCZOS, box=(x, y, x + w, y + h))
        image.save(f'{folder}/{i:03d}.jpg', quality=92)


def by_pillow(job):
    path, out, (width, height), scaled = job
    image = Image.open(path)
    if scaled:
        image.draft('RGB', (2 * width, 2 * height))
    image = image.convert('RGB').resize((width, height), Image.LANCZOS)
    image.filter(ImageFilter.Kernel((3, 3), MASK, 16)).save(out, quality=85)


def by_opencv(job):
    import cv2
    import numpy
    path, out, size, scaled = job
    image = cv2.imread(path, cv2.IMREAD_REDUCED_COLOR_2 if scaled else cv2.IMREAD_COLOR)
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    mask = numpy.array(MASK, numpy.float32).reshape(3, 3) / 16
    cv2.imwrite(out, cv2.filter2D(image, -1, mask), [cv2.IMWRITE_JPEG_QUALITY, 85])


def pooled(pool, function, jobs, workers):
    start = time.perf_counter()
    with pool(max_workers=workers) as executor:
        list(executor.map(function, jobs))
    return time.perf_counter() - start


def commanded(command, environment=(), folder=None):
    start = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **dict(environment)}, capture_output=True,
                          text=True, cwd=folder)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f'{command}: {done.stdout}{done.stderr}')
    return seconds, done.stdout


MPI = {'OMPI_ALLOW_RUN_AS_ROOT': '1', 'OMPI_ALLOW_RUN_AS_ROOT_CONFIRM': '1',
       'OMPI_MCA_rmaps_base_oversubscribe': '1', 'OMPI_MCA_hwloc_base_binding_policy': 'none',
       'OMPI_MCA_mpi_yield_when_idle': '1'}


def nfold(arguments, ranks, threads, folder, out, size, scaled):
    command = [f'{arguments.programs}/batch', '-t', str(threads), '-Q', '85', '-o', out, '-k',
               f'resize:width={size[0]},height={size[1]},method=lanczos | sharpen', folder]
    if scaled:
        command.insert(1, '--fast')
    if ranks > 1:
        command = [arguments.mpiexec, '-n', str(ranks)] + command
    seconds, text = commanded(command, MPI)
    return seconds, float(text.split(';')[1].split('s,')[0])  # its own time, MPI's start left out


def ways(arguments, folder, work, size, scaled):
    """Name and a function of a number of workers that gives seconds."""
    files = sorted(os.listdir(folder))
    all_jobs = lambda out: [(f'{folder}/{f}', f'{work}/{out}/{f}', size, scaled) for f in files]
    threads = concurrent.futures.ThreadPoolExecutor
    own = {}

    def by_threads(n):
        seconds, own['batch, threads, its own time', n] = nfold(arguments, 1, n, folder,
                                                                f'{work}/nfold', size, scaled)
        return seconds

    def by_ranks(n):
        seconds, own['batch, ranks, its own time', n] = nfold(arguments, n, 1, folder,
                                                              f'{work}/nfold', size, scaled)
        return seconds

    yield 'batch, threads', by_threads
    yield 'batch, threads, its own time', lambda n: own['batch, threads, its own time', n]
    yield 'batch, ranks', by_ranks
    yield 'batch, ranks, its own time', lambda n: own['batch, ranks, its own time', n]
    yield 'Pillow, processes', lambda n: pooled(concurrent.futures.ProcessPoolExecutor, by_pillow,
                                                all_jobs('pillow'), n)
    try:
        import cv2
        cv2.setNumThreads(1)
        yield 'OpenCV, threads', lambda n: pooled(threads, by_opencv, all_jobs('opencv'), n)
    except ImportError:
        pass
    def shared_out(n, command, environment):
        share = ['xargs', '-P', str(n), '-n', str(-(-len(files) // n)), '-a', f'{work}/names']
        return commanded(share + command, environment, folder)[0]

    if arguments.vips:
        yield 'libvips', lambda n: shared_out(
            n, [arguments.vips, f'{work}/vips', str(size[0]), str(size[1]),
                'smaller' if scaled else 'whole'], {'VIPS_CONCURRENCY': '1'})
    if shutil.which('vipsthumbnail') and scaled:
        yield 'vipsthumbnail, not sharpened', lambda n: shared_out(
            n, ['vipsthumbnail', '--size', f'{size[0]}x{size[1]}!', '-o',
                f'{work}/vips/%s.jpg[Q=85]'], {'VIPS_CONCURRENCY': '1'})
    if shutil.which('gm'):
        hint = ['-size', f'{2 * size[0]}x{2 * size[1]}'] if scaled else []
        yield 'GraphicsMagick', lambda n: shared_out(
            n, ['gm', 'mogrify', '-output-directory', f'{work}/gm'] + hint +
            ['-filter', 'Lanczos', '-resize', f'{size[0]}x{size[1]}!', '-convolve',
             ','.join(map(str, MASK)), '-quality', '85'], {'OMP_NUM_THREADS': '1'})


def compare(arguments, scaled, size, count, rounds):
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        for name in ('in', 'nfold', 'pillow', 'opencv', 'vips', 'gm'):
            os.mkdir(f'{work}/{name}')
        make_files(f'{work}/in', count, 2000, 1500)
        with open(f'{work}/names', 'w') as names:
            names.writelines(f'{f}\n' for f in sorted(os.listdir(f'{work}/in')))
        rates = {}
        for _ in range(rounds):
            for workers in (1, 2):
                for name, way in ways(arguments, f'{work}/in', work, size, scaled):
                    rates.setdefault(name, {1: [], 2: []})[workers].append(count / way(workers))
        print(f'{count} JPEG files of 2000x1500 to {size[0]}x{size[1]}, decoded '
              f'{"smaller" if scaled else "whole"}; medians of {rounds}, images/s')
        print(f'{"":34}{"1 worker":>10}{"2 workers":>11}{"2/1":>7}')
        medians = {k: [statistics.median(v[n]) for n in (1, 2)] for k, v in rates.items()}
        for name, (one, two) in medians.items():
            print(f'{name:34}{one:10.1f}{two:11.1f}{two / one:7.2f}')
        peers = {k: v for k, v in medians.items() if not k.startswith('batch')}
        for n in (0, 1):
            best = max(peers, key=lambda k: peers[k][n])
            print(f'batch with {n + 1}: {medians["batch, threads"][n] / peers[best][n]:.2f} times '
                  f'{best}, without its start '
                  f'{medians["batch, threads, its own time"][n] / peers[best][n]:.2f}')
        print(flush=True)


def psnr(a, b):
    import numpy
    difference = numpy.asarray(a, float) - numpy.asarray(b, float)
    return 10 * numpy.log10(255 ** 2 / (difference ** 2).mean())


def quality():
    methods = {'lanczos': Image.LANCZOS, 'cubic': Image.BICUBIC, 'bilinear': Image.BILINEAR,
               'area': Image.BOX}
    source = Image.open(PHOTOGRAPH).convert('RGB')
    print('PSNR to the resized picture, decoded smaller minus decoded whole: the worst of 3 parts '
          'and qualities 70, 85, 95')
    print(f'{"":24}' + ''.join(f'{m:>10}' for m in methods))
    for eighths, lefts in ((4, (1, 2, 2.5, 3, 4, 6)), (2, (2, 3, 4, 6, 8)), (1, (2, 4, 8))):
        for left in lefts:
            worst = dict.fromkeys(methods, 99.)
            for box in ((0, 0, 2048, 1024), (900, 200, 1924, 712), (100, 100, 1124, 612)):
                part = source.crop(box)
                size = (int(part.width * eighths / 8 / left), int(part.height * eighths / 8 / left))
                for coded_at in (70, 85, 95):
                    coded = io.BytesIO()
                    part.save(coded, 'jpeg', quality=coded_at)
                    whole, smaller = Image.open(coded).convert('RGB'), Image.open(coded)
                    smaller.draft('RGB', (part.width * eighths // 8, part.height * eighths // 8))
                    for name, method in methods.items():
                        ideal = part.resize(size, method)
                        gain = (psnr(smaller.convert('RGB').resize(size, method), ideal) -
                                psnr(whole.resize(size, method), ideal))
                        worst[name] = min(worst[name], gain)
            print(f'{eighths}/8, {left:3g} times left{"":6}' +
                  ''.join(f'{worst[m]:+10.2f}' for m in methods))


parser = argparse.ArgumentParser()
parser.add_argument('programs')
parser.add_argument('mpiexec', nargs='?', default='mpirun')
parser.add_argument('--vips', help='the program bench_batch_vips')
parser.add_argument('--work', default=None, help='folder for the files')
parser.add_argument('--rounds', type=int, default=5)
parser.add_argument('--count', type=int, default=64)
parser.add_argument('--only', choices=('whole', 'smaller'))
parser.add_argument('--quality', action='store_true')
given = parser.parse_args()
if given.quality:
    quality()
else:
    if given.only != 'smaller':
        compare(given, False, (800, 600), given.count, given.rounds)
    if given.only != 'whole':
        compare(given, True, (320, 240), given.count, given.rounds)
