/* Wine 8 (Debian 12) has no bcryptprimitives.dll, and a Go program for Windows looks up its one
 * function at start. This stands in for it: random bytes from advapi32's RtlGenRandom.
 * Only for tests under Wine; a real Windows has its own. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length); /* RtlGenRandom's exported name */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    while (length > 0) {
        ULONG part = length > 0x10000 ? 0x10000 : (ULONG)length;
        if (!SystemFunction036(buffer, part))
            return FALSE;
        buffer += part;
        length -= part;
    }
    return TRUE;
}
