// Plays k-space to an engine with the reference C++ library (protocol 2, version 1 headers, no metadata), as a
// scanner bridge built on Debian's package would.
// Usage: kspace_sender HOST PORT FILE N_FRAMES N_COILS COLUMNS ROWS SLICES PAUSE_MS label|default
//
// FILE holds float32 frames (slice, ky, kx, coil, re/im) one after the other; unsampled rows are zero. With
// "default" the endianness field keeps the library's default (big) although the numbers are native.

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

#include "igtlClientSocket.h"
#include "igtlImageMessage.h"
#include "igtlTimeStamp.h"

int main(int argc, char* argv[])
{
  if (argc != 11)
  {
    std::cerr << "Usage: kspace_sender HOST PORT FILE N_FRAMES N_COILS COLUMNS ROWS SLICES PAUSE_MS label|default"
              << std::endl;
    return 2;
  }
  const int nFrames = atoi(argv[4]);
  const int nCoils = atoi(argv[5]);
  std::ifstream file(argv[3], std::ios::binary);
  igtl::ClientSocket::Pointer socket = igtl::ClientSocket::New();
  if (!file || socket->ConnectToServer(argv[1], atoi(argv[2])) != 0)
  {
    std::cerr << "cannot open the file or connect" << std::endl;
    return 1;
  }
  for (int frame = 0; frame < nFrames; ++frame)
  {
    igtl::ImageMessage::Pointer image = igtl::ImageMessage::New();
    image->SetDeviceName("KSPACE_IN");
    image->SetDimensions(atoi(argv[6]), atoi(argv[7]), atoi(argv[8]));
    image->SetSpacing(1.5f, 1.25f, 4.0f);
    image->SetNumComponents(2 * nCoils);
    image->SetScalarType(igtl::ImageMessage::TYPE_FLOAT32);
    if (strcmp(argv[10], "label") == 0)
    {
      image->SetEndian(igtl::ImageMessage::ENDIAN_LITTLE);
    }
    image->AllocateScalars();
    // Rotated by 90 degrees about z: i points to A, j to L, k to S; the center of the image lies at (10, -20, 30).
    igtl::Matrix4x4 matrix;
    igtl::IdentityMatrix(matrix);
    matrix[0][0] = 0.0f;
    matrix[1][0] = 1.0f;
    matrix[0][1] = -1.0f;
    matrix[1][1] = 0.0f;
    matrix[0][3] = 10.0f;
    matrix[1][3] = -20.0f;
    matrix[2][3] = 30.0f;
    image->SetMatrix(matrix);
    file.read(static_cast<char*>(image->GetScalarPointer()), image->GetImageSize());
    igtl::TimeStamp::Pointer time = igtl::TimeStamp::New();
    time->GetTime();
    image->SetTimeStamp(time);
    image->Pack();
    if (!file || !socket->Send(image->GetPackPointer(), image->GetPackSize()))
    {
      std::cerr << "frame " << frame << " could not be sent" << std::endl;
      return 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(atoi(argv[9])));
  }
  socket->CloseSocket();
  return 0;
}
