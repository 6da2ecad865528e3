/* SPDX-License-Identifier: MIT */
/*
 * floor 1: huge pages for a store on tmpfs.
 *
 * A block of 2 MiB that is still a hole is made one page (madvise(2), MADV_COLLAPSE; Linux 6.1,
 * whatever transparent_hugepage/enabled says; shmem_enabled=deny forbids it).  It takes one page fault
 * where there would be 512, and every process that maps it one entry of its TLB.  Where the kernel
 * has to make room for it first, or a hypervisor has, it takes longer than all 512; then the next
 * blocks get small pages, ever more of them.
 * Invariant	only space: what the file holds is the same with them and without.  A block that holds
 *	anything is left as it is, so nobody reads a page while the kernel replaces it.  A kill leaves
 *	allocated zeros, as it does between any allocation and the store that says so.
 * Locks	whoever is backing (the writer lock) has the counters.
 */
#ifndef SFS_HUGE_H
#define SFS_HUGE_H

#include "file.h"

#define SFS_HUGE (UINT64_C(2) << 20)

/*
 * As sfs_file_back(), and of what lies behind it up to `most` bytes from `at` on as much as is not
 * asked for apart: the rest of a huge page.  The bytes allocated, n at least; or -ENOSPC, -EIO.
 */
SFS_HIDDEN int64_t sfs_huge_back(struct sfs_file *f, uint64_t at, uint64_t n, uint64_t most);

#endif
